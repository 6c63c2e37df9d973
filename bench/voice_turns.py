"""Load on `POST /v1/speech_to_speech`: sessions at once, each with turns one after another, in a process of its own.

    python -m bench.voice_turns --url http://127.0.0.1:8080 --wav speech.wav --sessions 50 --turns 4

Prints one line of JSON (`figures.Turns`). All sessions start together. Sockets and a parser in C, no HTTP library:
what this process costs would count as the gateway's delay.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httptools
import uvloop

from bench.figures import Turns
from bench.scenario import LEAST_REPLY_BYTES, TURN_SECONDS

_BOUNDARY = "talk-bench"
_ERROR_BYTES = 300


def main() -> None:
    """Runs the load and prints what it saw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True)
    parser.add_argument("--wav", type=Path, required=True)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--agents", nargs="+", default=["bench"], help="sessions are spread over them")
    options = parser.parse_args()
    print(uvloop.run(_load(options.url, options.wav.read_bytes(), options.sessions, options.turns, options.agents)))


async def _load(url: str, wav: bytes, sessions: int, turns: int, agents: Sequence[str]) -> str:
    seen = Turns()
    address = urlsplit(url)
    host, port = address.hostname or "127.0.0.1", address.port or 80
    async with asyncio.TaskGroup() as group:
        for index in range(sessions):
            request = _request(f"{host}:{port}", agents[index % len(agents)], f"bench-{index}", wav)
            group.create_task(_session(host, port, request, turns, seen), name=f"session-{index}")
    return seen.dumps()


async def _session(host: str, port: int, request: bytes, turns: int, seen: Turns) -> None:
    loop = asyncio.get_running_loop()
    transport, exchange = await loop.create_connection(_Exchange, host, port)
    try:
        for _ in range(turns):
            if transport.is_closing():
                transport, exchange = await loop.create_connection(_Exchange, host, port)
            await _turn(transport, exchange, request, seen)
    finally:
        transport.close()


async def _turn(transport: asyncio.Transport, exchange: _Exchange, request: bytes, seen: Turns) -> None:
    begun = time.perf_counter()
    exchange.begin()
    transport.write(request)
    try:
        async with asyncio.timeout(TURN_SECONDS):
            await exchange.ended.wait()
    except TimeoutError:
        transport.abort()
        seen.errors.append("no end in time")
        return
    if exchange.status != 200 or not exchange.complete:
        seen.errors.append(f"status {exchange.status}: {exchange.head.decode('utf-8', 'replace') or 'cut off'}")
        return
    first = exchange.first_at - begun if exchange.first_at else None
    seen.took(first, time.perf_counter() - begun, exchange.received, LEAST_REPLY_BYTES)


def _request(host: str, agent: str, session: str, wav: bytes) -> bytes:
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="speech.wav"\r\n'
    body = f"{head}Content-Type: audio/wav\r\n\r\n".encode() + wav + f"\r\n--{_BOUNDARY}--\r\n".encode()
    lines = [
        f"POST /v1/speech_to_speech?format=pcm&mode=agent&agent_name={agent} HTTP/1.1",
        f"Host: {host}",
        f"X-Session-ID: {session}",
        f"Content-Type: multipart/form-data; boundary={_BOUNDARY}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class _Exchange(asyncio.Protocol):
    """One connection: counts the bytes of an answer and notes when the first came. Also httptools' callbacks."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        """Forgets the last answer."""
        self.ended.clear()
        self.first_at: float | None = None
        self.received = 0
        self.status = 0
        self.head = b""
        self.complete = False
        self._parser = httptools.HttpResponseParser(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self.ended.set()

    def on_headers_complete(self) -> None:
        self.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        if self.first_at is None:
            self.first_at = time.perf_counter()
        self.received += len(body)
        if self.status != 200:
            self.head = (self.head + body)[:_ERROR_BYTES]

    def on_message_complete(self) -> None:
        self.complete = True
        self.ended.set()


if __name__ == "__main__":
    main()
