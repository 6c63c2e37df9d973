"""What a listener bears: a bound for each request's head and trailer, for silence, and for the number of connections.

uvicorn has none of them with httptools: a head may be of any size and take for ever, a connection that never asks
anything is kept, and fields after a body become headers.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from talk_kit.errors import HeadTooLarge, InvalidRequest, Overloaded, SlowRequest, TalkError
from talk_kit.logs import get_logger
from talk_kit.problems import unparsed_answer

log = get_logger(__name__)

# Some 30 MB of idle ones.
CONNECTIONS = 2_000
# Least seconds between two log lines that tell of connections closed for others.
TELL_SECONDS = 10.0
# What a refused client still sends is read and dropped for a moment: to close at once would take back the answer.
LINGER_SECONDS, LINGER_BYTES = 1.0, 1_048_576


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`connections` at once; bytes, fields and seconds of a request's head.

    32 KiB and 100 fields: what nginx (4 times 8 KiB) and Apache (100 fields) take; 20 s is Apache's too.
    """

    connections: int = CONNECTIONS
    head_bytes: int = 32_768
    head_fields: int = 100
    head_seconds: float = 20.0


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `waiting` has those of its listener without a running request, the longest idle one first."""

    limits: ClassVar[ConnectionLimits]
    waiting: ClassVar[dict[BoundedProtocol, None]]
    told: ClassVar[list[float]]

    # --- the connection -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._reads_head = True
        self._fields = self._head_bytes = self._unparsed = 0
        self._refusal: TalkError | None = None
        self._lingers = False
        self._head_timer: asyncio.TimerHandle | None = None
        self.waiting[self] = None
        # uvicorn begins to count idle seconds after the first answer only.
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        if len(self.connections) > self.limits.connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._unset_keepalive_if_required()
        self._leave()

    def data_received(self, data: bytes) -> None:
        """Bytes that bring no parser further are a head, a trailer or a chunk's extension, all of which it keeps."""
        self._unparsed += len(data)
        if self._lingers:
            if self._unparsed > LINGER_BYTES:
                self.transport.close()
            return
        super().data_received(data)
        if self.transport.is_closing() or self._lingers:
            return
        if self._unparsed > self.limits.head_bytes:
            self._refuse(HeadTooLarge(f"A request's head has at most {self.limits.head_bytes} bytes."))
        elif self._head_timer is None and (self.cycle is None or self.cycle.response_complete):
            self._head_timer = self.loop.call_later(self.limits.head_seconds, self._too_slow)

    # --- what the parser finds ----------------------------------------------------------------------------------

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """Fields of the head. Those after a body are dropped: a proxy that checks heads has not looked at them."""
        if not self._reads_head:
            return
        self._fields += 1
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._unparsed, self._reads_head = 0, False
        self._leave()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._unparsed = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._fields = self._head_bytes = self._unparsed = 0
        self._reads_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete and not self.transport.is_closing():
            self.waiting[self] = None

    def _count(self, more: int) -> None:
        self._head_bytes += more
        if self._head_bytes > self.limits.head_bytes or self._fields > self.limits.head_fields:
            bounds = f"{self.limits.head_bytes} bytes and {self.limits.head_fields} fields"
            self._refusal = HeadTooLarge(f"A request's head has at most {bounds}.")
            raise self._refusal  # the parser stops, and `send_400_response` is called

    # --- how it ends --------------------------------------------------------------------------------------------

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's name and words
        self._refuse(self._refusal or InvalidRequest("This is no valid HTTP request."))

    def _too_slow(self) -> None:
        self._refuse(SlowRequest(f"A request's head arrives within {self.limits.head_seconds:g} s."))

    def _refuse(self, error: TalkError) -> None:
        """Answers where no answer has begun, and closes."""
        if self.transport.is_closing() or self._lingers:
            return
        begun = self.cycle is not None and not self.cycle.response_complete and self.cycle.response_started
        # After an answer, more of its request's body is no request that wants one.
        discarded = not self._reads_head and self.cycle is not None and self.cycle.response_complete
        if begun or self.pipeline or discarded:
            self.transport.close()
        else:
            self.transport.write(unparsed_answer(error))
            self._linger()

    def _linger(self) -> None:
        self._leave()
        self._unset_keepalive_if_required()
        self._lingers, self._unparsed = True, 0
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write_eof()
        self._head_timer = self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _make_room(self) -> None:
        """Closes the connection that has asked nothing for longest; where all are busy, this one."""
        now = self.loop.time()
        if not self.told or now - self.told[0] >= TELL_SECONDS:
            self.told[:] = [now]
            log.warning("connections_full", limit=self.limits.connections, idle=len(self.waiting))
        first = next(iter(self.waiting))
        if first is self:
            self._refuse(Overloaded("This process has all the connections it may have."))
        else:
            first._leave()
            first.transport.close()

    def _leave(self) -> None:
        self.waiting.pop(self, None)
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None


def bounded(limits: ConnectionLimits) -> type[HttpToolsProtocol]:
    """uvicorn's protocol for one listener with these limits."""

    class Bounded(BoundedProtocol):
        pass

    Bounded.limits, Bounded.waiting, Bounded.told = limits, {}, []
    return Bounded


def at_most_half_of_the_files(connections: int) -> int:
    """So that files are left for the calls that requests make: many systems let a process open 1,024."""
    if sys.platform == "win32":
        return connections
    import resource

    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return connections if soft == resource.RLIM_INFINITY else min(connections, soft // 2)
