"""Besieges a gateway from a pod beside it, all at once, and prints as JSON what it said and how it was afterwards.

    python siege.py HOST PORT METRICS_PORT < PATHS   (a JSON list of what to put in an agent's place in a path)

Only the standard library, and raw sockets: a client would tidy what it sends.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import sys
import time
from typing import Any

IDLE = 1_000
BOUND = 60.0
JSON = "Content-Type: application/json"
FORM = "Content-Type: multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
HUGE = 27_000_000
CHAT, UPLOAD = "/v1/chat", "/v1/speech_to_speech"
Said = dict[str, Any]


class Siege:
    """What is done to one address."""

    def __init__(self, host: str, port: int, metrics: int) -> None:
        self.host, self.port, self.metrics = host, port, metrics

    async def raw(self, *parts: bytes, drip: bytes = b"", port: int = 0) -> Said:
        """Status, body and seconds of the answer to these bytes; `drip` follows them, once in half a second."""
        began = time.monotonic()
        reader, writer = await asyncio.open_connection(self.host, port or self.port)
        try:
            sending = asyncio.create_task(self._send(writer, parts, drip))
            answer = await asyncio.wait_for(self._read(reader), BOUND)
            sending.cancel()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split()[1]) if head else 0
        return {"status": status, "seconds": round(time.monotonic() - began, 1), "body": body.decode("latin-1")}

    async def _send(self, writer: asyncio.StreamWriter, parts: tuple[bytes, ...], drip: bytes) -> None:
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            while drip:
                await asyncio.sleep(0.5)
                writer.write(drip)
                await writer.drain()
        except ConnectionError:
            return

    async def _read(self, reader: asyncio.StreamReader) -> bytes:
        """An answer's head and what of its body came: the server may reset the rest of a body that it refused."""
        got = b""
        try:
            while more := await reader.read(65_536):
                got += more
        except ConnectionError:
            pass
        return got

    async def post(self, path: str, *headers: str, body: bytes = b"", drip: bytes = b"", length: int = -1) -> Said:
        """A request on a connection of its own; `length` is what it says of its body where that is not so."""
        given = "" if length == 0 else f"\r\nContent-Length: {len(body) if length < 0 else length}"
        lines = [f"POST {path} HTTP/1.1", f"Host: {self.host}", "Connection: close", *headers]
        return await self.raw(("\r\n".join(lines) + given + "\r\n\r\n").encode(), body, drip=drip)

    async def turn(self) -> Said:
        """An honest one."""
        return await self.post(CHAT, JSON, body=b'{"text": "Hello."}')

    async def resident(self) -> int:
        """Bytes of memory that the gateway has."""
        shown = await self.raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", port=self.metrics)
        line = next(each for each in shown["body"].splitlines() if each.startswith("process_resident_memory_bytes "))
        return int(float(line.split()[1]))

    async def held(self) -> list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Connections that never say a word."""
        made = []
        for _ in range(IDLE // 50):
            made += await asyncio.gather(*(asyncio.open_connection(self.host, self.port) for _ in range(50)))
        return made

    async def at_once(self, paths: list[str]) -> dict[str, Said]:
        """Everything that is answered, slow or not."""
        chunked = "Transfer-Encoding: chunked"
        huge = PART + b"a" * HUGE
        bomb = gzip.compress(b'{"text": "' + b"a" * 30_000_000 + b'"}')
        doing = {
            "slow head": self.raw(b"GET /health HTTP/1.1\r\nHost: x\r\nA: ", drip=b"a"),
            "slow body": self.post(CHAT, JSON, body=b'{"text', drip=b"a", length=1_000),
            "slow upload": self.post(UPLOAD, FORM, body=PART, drip=b"a", length=100_000),
            "large head": self.raw(b"GET /health HTTP/1.1\r\nHost: x\r\nA: ", b"a" * 100_000),
            "many fields": self.raw(b"GET /health HTTP/1.1\r\n" + b"A: b\r\n" * 200),
            "endless trailer": self.post(
                CHAT, JSON, chunked, body=b"1\r\n{\r\n0\r\nA: " + b"a" * 100_000, drip=b"a" * 10_000, length=0
            ),
            "large body, declared": self.post(UPLOAD, FORM, body=huge),
            "large body, chunked": self.post(
                UPLOAD, FORM, chunked, body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(huge), huge), length=0
            ),
            "decompression bomb": self.post(CHAT, JSON, "Content-Encoding: gzip", body=bomb),
            "deep JSON": self.post(CHAT, JSON, body=b'{"text": ' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
            "no HTTP": self.raw(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc"),
            "a turn": self.turn(),
        }
        answers = dict(zip(doing, await asyncio.gather(*doing.values()), strict=True))
        for path in paths:
            answers[f"agent {path}"] = await self.post(f"/v1/agents/{path}/chat", JSON, body=b'{"message": "Hi"}')
        return answers


async def main(host: str, port: int, metrics: int, paths: list[str]) -> Said:
    """What a siege came to."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
    siege = Siege(host, port, metrics)
    before = await siege.resident()
    idle = await siege.held()
    held = await siege.resident()
    answers = await siege.at_once(paths)
    after = await siege.resident()
    still = sum(not reader.at_eof() for reader, _ in idle)
    last = await siege.turn()
    return {"answers": answers, "idle": still, "last": last, "memory": [before, held, after]}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.load(sys.stdin)))))
