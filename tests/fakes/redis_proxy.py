"""What stands between a client and Redis: it counts, holds answers back, cuts, and plays other servers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Self

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
CHUNK = 65_536


class Proxy:
    """On a loopback port, in front of the server at a Unix socket.

    `cut_after` closes each connection when so many bytes went to the server (`cut_answers_after`: came from it).
    """

    def __init__(self, target: str = "", handler: Handler | None = None) -> None:
        self.port = 0
        self.accepted = 0
        self.held = 0
        self.cut_after: int | None = None
        self.cut_answers_after: int | None = None
        self._target = target
        self._handler = handler or self._forward
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @classmethod
    def speaking(cls, info: bytes) -> Proxy:
        """A server that answers INFO with this, and everything else with OK."""
        return cls(handler=_answering(info))

    @classmethod
    def saying(cls, text: bytes) -> Proxy:
        """A server that says this, whatever it is asked."""

        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(CHUNK)
            writer.write(text)
            await writer.drain()

        return cls(handler=handle)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def hold(self) -> None:
        """Answers wait until `release`."""
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    def cut(self) -> None:
        """Closes all connections."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            with suppress(ConnectionError, asyncio.CancelledError):
                await self._handler(reader, writer)
        finally:
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_unix_connection(self._target)
        try:
            async with asyncio.TaskGroup() as tasks:
                there = tasks.create_task(self._pump(reader, server_writer, self.cut_after, hold=False))
                back = tasks.create_task(self._pump(server_reader, writer, self.cut_answers_after, hold=True))
                await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
                there.cancel()
                back.cancel()
        finally:
            server_writer.close()

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, limit: int | None, *, hold: bool
    ) -> None:
        passed = 0
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                if hold and not self._open.is_set():
                    self.held += 1
                    await self._open.wait()
                if limit is not None:
                    data = data[: limit - passed]
                passed += len(data)
                writer.write(data)
                await writer.drain()
                if limit is not None and passed >= limit:
                    return


def _answering(info: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while header := await reader.readline():
            words = []
            for _ in range(int(header[1:])):
                size = int((await reader.readline())[1:])
                words.append((await reader.readexactly(size + 2))[:-2])
            if words[0].upper() == b"INFO":
                writer.write(b"$%d\r\n%s\r\n" % (len(info), info))
            elif words[0].upper() == b"GET":
                writer.write(b"$-1\r\n")
            else:
                writer.write(b"+OK\r\n")
            await writer.drain()

    return handle
