"""A speech provider that misbehaves on the wire: real sockets, one fault at a time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Literal

from tests.fakes.waiting import eventually

Fault = Literal["none", "slow", "stall", "500", "429", "reset", "cut", "trickle", "endless"]

ASR = b'{"text": "what is a cell"}'
SOUND = b"\x10\x01" * 4_000
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: audio/pcm\r\ntransfer-encoding: chunked\r\n\r\n"
MEGABYTE = 1 << 20


@dataclass
class FaultyProvider:
    """OpenAI's two speech routes. `fault` may change at any time; `asked` are the paths, `sent` the bytes of sound."""

    fault: Fault = "none"
    asked: list[str] = field(default_factory=list)
    sent: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[str]:
        """Its base URL."""
        server = await asyncio.start_server(self._handle, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        finally:
            server.close()
            for writer in self._open:
                writer.transport.abort()
            await server.wait_closed()
            await eventually(lambda: not self._open)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        # What is sent and not taken would otherwise be megabytes of the kernel's.
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                await _read_body(reader, head)
                path = head.split(b" ")[1].decode()
                self.asked.append(path)
                if not await self._answer(path, reader, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            self.left.set()
        finally:
            writer.close()
            self._open.discard(writer)

    async def _answer(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection may be used again."""
        speech = path.endswith("/speech")
        match self.fault:
            case "none":
                await self._whole(writer, SOUND if speech else ASR, 200)
                return True
            case "500" | "429":
                await self._whole(writer, b"secret words of the provider", int(self.fault))
                return True
            case "reset":
                writer.transport.abort()
            case "cut":
                await self._send(writer, CHUNKED + _chunk(SOUND[:4000]))
            case "slow":
                await _until_left(reader)
            case "stall":
                await self._send(writer, CHUNKED + _chunk(SOUND[:4000]))
                await _until_left(reader)
            case "trickle":
                await self._trickle(writer)
            case "endless":
                await self._endless(writer)
        self.left.set()
        return False

    async def _whole(self, writer: asyncio.StreamWriter, body: bytes, status: int) -> None:
        head = f"HTTP/1.1 {status} Whatever\r\ncontent-type: audio/pcm\r\ncontent-length: {len(body)}\r\n\r\n"
        await self._send(writer, head.encode() + body)

    async def _trickle(self, writer: asyncio.StreamWriter) -> None:
        """A piece again and again, quicker than any bound of silence."""
        await self._send(writer, CHUNKED)
        while True:
            await self._send(writer, _chunk(SOUND[:100]))
            await asyncio.sleep(0.05)

    async def _endless(self, writer: asyncio.StreamWriter) -> None:
        """15 MiB as fast as they are taken."""
        await self._send(writer, CHUNKED)
        for _ in range(15 * 16):
            await self._send(writer, _chunk(bytes([1, 2]) * (MEGABYTE // 32)))
            self.sent += MEGABYTE // 16
        await self._send(writer, b"0\r\n\r\n")

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await writer.drain()


async def _read_body(reader: asyncio.StreamReader, head: bytes) -> None:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            await reader.readexactly(int(line.partition(b":")[2]))
        if line.startswith(b"transfer-encoding: chunked"):
            await reader.readuntil(b"0\r\n\r\n")


async def _until_left(reader: asyncio.StreamReader) -> None:
    while await reader.read(65536):
        pass


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
