"""Server-sent events: turn events out, and any event stream in.

Reading works on bytes: readers built on a text's lines also split at U+2028 and U+0085, which cuts the JSON inside,
and the libraries at hand bound neither a line nor an event (docs/adr/0006-own-event-stream-reader.md).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import NamedTuple

import orjson
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from talk_kit.disconnect import ClosingResponse, cancel_and_wait, send_head
from talk_kit.errors import Internal, ProviderFailed, TalkError
from talk_kit.events import TurnEvent, TurnFailed, from_wire, to_wire
from talk_kit.logs import get_logger
from talk_kit.problems import problem

log = get_logger(__name__)

HEARTBEAT_SECONDS = 15.0
# A client that takes nothing for so long is gone, whatever its connection says.
WRITE_SECONDS = 60.0
COMMENT = b": keep-alive\n\n"
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}
_BOM = b"\xef\xbb\xbf"
_ESCAPES = ((b"\xe2\x80\xa8", b"\\u2028"), (b"\xe2\x80\xa9", b"\\u2029"), (b"\xc2\x85", b"\\u0085"))


def encode(event: TurnEvent) -> bytes:
    """One event on the wire. Characters that readers take for line ends are escaped inside the JSON."""
    data = orjson.dumps(to_wire(event))
    for raw, escaped in _ESCAPES:
        if raw in data:
            data = data.replace(raw, escaped)
    return b"event: %b\ndata: %b\n\n" % (event.type.encode(), data)


class ServerSentEvent(NamedTuple):
    """One event of a stream: its name ("message" where none was given) and its data lines joined by LF."""

    event: str
    data: str


class EventReader:
    """Bytes in, whole events out. Lines end with LF, CR or CRLF; one byte order mark at the start is skipped.

    An event without data is none, as the grammar has it. Raises ProviderFailed when a single event grows over
    `max_bytes` (1 MiB by default: a model's longest chunk is its tool arguments, some kilobytes).
    """

    def __init__(self, max_bytes: int = 1 << 20) -> None:
        self._max_bytes = max_bytes
        self._event = ""
        self._data: list[str] = []
        self._buffer = bytearray()
        self._event_bytes = 0
        self._started = False
        self._skip_lf = False

    def feed(self, data: bytes) -> list[ServerSentEvent]:
        """The events that these bytes complete. The time is that of these bytes: what is held is not searched again."""
        self._buffer += data
        if not self._started and not self._start():
            return []
        lines = self._lines() if b"\n" in data or b"\r" in data else []
        if len(self._buffer) + self._event_bytes > self._max_bytes:
            raise ProviderFailed("The provider sent an event that is too large.")
        return [event for line in lines if (event := self._line(line)) is not None]

    def _start(self) -> bool:
        if len(self._buffer) < len(_BOM) and _BOM.startswith(self._buffer):
            return False
        self._buffer = self._buffer.removeprefix(_BOM)
        self._started = True
        return True

    def _lines(self) -> list[bytes]:
        buffer = bytes(self._buffer)
        if self._skip_lf:
            buffer = buffer.removeprefix(b"\n")
            self._skip_lf = False
        if b"\r" in buffer:
            self._skip_lf = buffer.endswith(b"\r")
            buffer = buffer.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        *lines, rest = buffer.split(b"\n")
        self._buffer = bytearray(rest)
        return lines

    def _line(self, line: bytes) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        self._event_bytes += len(line)
        name, _, value = line.partition(b":")
        if name in (b"data", b"event"):
            text = value.removeprefix(b" ").decode("utf-8", "replace")
            if name == b"data":
                self._data.append(text)
            else:
                self._event = text
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        data, event = "\n".join(self._data), self._event or "message"
        self._data, self._event, self._event_bytes = [], "", 0
        return ServerSentEvent(event, data) if data else None


async def read_turn(chunks: AsyncIterator[bytes]) -> AsyncGenerator[TurnEvent, None]:
    """The turn's events in a body that another part of Talk streams; comments and unknown types are skipped."""
    reader = EventReader(max_bytes=8 << 20)
    async for chunk in chunks:
        for raw in reader.feed(chunk):
            event = _parsed(raw)
            if event is not None:
                yield event


def _parsed(raw: ServerSentEvent) -> TurnEvent | None:
    try:
        return from_wire(raw.event, orjson.loads(raw.data))
    except (orjson.JSONDecodeError, TypeError) as error:
        raise ProviderFailed("The agent sent an event that cannot be read.") from error


class EventStreamResponse(ClosingResponse):
    """An answer that streams a turn.

    The first event is awaited before the status is sent: a TalkError that comes instead of it is answered with
    its own status. A later one becomes `turn.failed`. When the client goes, the events are closed at once.
    Comments keep proxies from closing a quiet stream.
    """

    def __init__(self, events: AsyncGenerator[TurnEvent, None], headers: dict[str, str] | None = None) -> None:
        super().__init__()
        self._events = events
        self._head = {**HEADERS, **(headers or {})}

    async def write(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events) as events:
            try:
                first = await anext(events)
            except TalkError as error:
                await problem(error, Headers(scope=scope).get("accept", ""))(scope, receive, send)
                return
            connection = _Connection(send)
            await connection.start(self._head)
            heartbeat = asyncio.create_task(connection.beat(), name="event-stream-heartbeat")
            try:
                await connection.write(encode(first))
                await self._rest(events, connection)
            finally:
                await cancel_and_wait(heartbeat)
            await connection.end()

    @staticmethod
    async def _rest(events: AsyncGenerator[TurnEvent, None], connection: _Connection) -> None:
        try:
            async for event in events:
                await connection.write(encode(event))
        except TalkError as error:
            await connection.write(encode(TurnFailed.of(error)))
        except Exception:
            log.exception("stream_failed")
            await connection.write(encode(TurnFailed.of(Internal())))


class _Connection:
    """The one writer of a connection: events and comments never mix."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lock = asyncio.Lock()
        self._written = time.monotonic()

    async def start(self, headers: dict[str, str]) -> None:
        await send_head(self._send, headers)

    async def write(self, data: bytes) -> None:
        async with self._lock, asyncio.timeout(WRITE_SECONDS):
            await self._send({"type": "http.response.body", "body": data, "more_body": True})
            self._written = time.monotonic()

    async def beat(self) -> None:
        while True:
            quiet = time.monotonic() - self._written
            if quiet >= HEARTBEAT_SECONDS:
                await self.write(COMMENT)
                quiet = 0.0
            await asyncio.sleep(HEARTBEAT_SECONDS - quiet)

    async def end(self) -> None:
        async with self._lock:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
