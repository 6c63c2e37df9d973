"""httpcore's connections directly on asyncio.

Its own asyncio backend goes through anyio: four context managers, two checkpoints and a poll of the socket for each
piece of a stream. Here a read is one future. Measured at 40 voice turns at once: 19 ms of the gateway's CPU for a
turn, not 27 (`python -m bench gateway`).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import Any, cast

import httpcore

# What a connection holds unread before its sender is made to wait.
MOST_UNREAD = 1 << 18
# Seconds of silence of the other side's kernel after which a connection has failed: a machine that lost its power
# refuses nothing, and waiting for an answer may last longer than a turn.
LOST_SECONDS = 15
_PROBE_AFTER, _PROBE_EACH = 10, 5


class AsyncioBackend(httpcore.AsyncNetworkBackend):
    """TCP and TLS for one event loop. Timeouts are seconds; None is no bound."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        local = None if local_address is None else (local_address, 0)
        try:
            async with asyncio.timeout(timeout):
                _, connection = await loop.create_connection(_Connection, host, port, local_addr=local)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        for option in (*_lost_peers(), *(socket_options or ())):
            connection.transport.get_extra_info("socket").setsockopt(*option)
        return _Stream(connection)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Connection(asyncio.Protocol):
    """What has come and was not read. One reader and one writer at a time, as HTTP/1.1 has it."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport
        self.ended = False
        self.error: Exception | None = None
        self._unread = bytearray()
        self._paused = False
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's derives from nothing

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if len(self._unread) > MOST_UNREAD and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        _wake(self._reader)

    def eof_received(self) -> None:
        self.ended = True
        _wake(self._reader)

    def connection_lost(self, error: Exception | None) -> None:
        self.ended, self.error = True, error
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        self._writer = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        _wake(self._writer)
        self._writer = None

    @property
    def readable(self) -> bool:
        """Bytes or an end are there: for an idle connection, that it cannot be used again."""
        return self.ended or bool(self._unread)

    async def read(self, timeout: float | None) -> bytes:
        """What is there, or comes next; b'' at the end. Raises httpcore's errors."""
        if not self.readable:
            self._reader = asyncio.get_running_loop().create_future()
            await _within(timeout, self._reader, httpcore.ReadTimeout)
        if not self._unread and self.error is not None:
            raise httpcore.ReadError(str(self.error)) from self.error
        data = bytes(self._unread)
        self._unread.clear()
        if self._paused:
            self._paused = False
            self.transport.resume_reading()
        return data

    async def write(self, data: bytes, timeout: float | None) -> None:
        """Returns when the other side has taken all but a little. Raises httpcore's errors."""
        if self.transport.is_closing():
            raise httpcore.WriteError("the connection is closed")
        self.transport.write(data)
        if self._writer is not None:
            await _within(timeout, self._writer, httpcore.WriteTimeout)
            if self.error is not None:
                raise httpcore.WriteError(str(self.error)) from self.error


def _lost_peers() -> list[tuple[int, int, int]]:
    """Options by which a peer that is gone is noticed, as far as this system has them."""
    values = {
        "TCP_USER_TIMEOUT": LOST_SECONDS * 1000,
        "TCP_KEEPIDLE": _PROBE_AFTER,
        "TCP_KEEPINTVL": _PROBE_EACH,
    }
    known = [(socket.IPPROTO_TCP, getattr(socket, name), n) for name, n in values.items() if hasattr(socket, name)]
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *known]


def _wake(waiting: asyncio.Future[None] | None) -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)


async def _within(timeout: float | None, waiting: asyncio.Future[None], late: type[Exception]) -> None:
    """Half the cost of asyncio.timeout, which looks up and cancels the task."""

    def expire() -> None:
        if not waiting.done():
            waiting.set_exception(late())

    timer = None if timeout is None else asyncio.get_running_loop().call_later(timeout, expire)
    try:
        await waiting
    finally:
        if timer is not None:
            timer.cancel()


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, connection: _Connection) -> None:
        self._connection = connection

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002 - more is buffered by h11
        return await self._connection.read(timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if buffer:
            await self._connection.write(buffer, timeout)

    async def aclose(self) -> None:
        # Nothing is left to send when an answer was read; when it was not, the other side must learn at once, and
        # a TLS connection that is closed in order waits for the other side first.
        self._connection.transport.abort()

    async def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.AsyncNetworkStream:
        connection = self._connection
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                transport = await loop.start_tls(
                    connection.transport, connection, ssl_context, server_hostname=server_hostname
                )
        except TimeoutError as error:
            connection.transport.abort()
            raise httpcore.ConnectTimeout(str(error)) from error
        except OSError as error:  # ssl.SSLError is one
            connection.transport.abort()
            raise httpcore.ConnectError(str(error)) from error
        if transport is None:
            raise httpcore.ConnectError("the connection was closed during its handshake")
        connection.transport = transport
        return self

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._connection.readable
        names = {"client_addr": "sockname", "server_addr": "peername"}
        return self._connection.transport.get_extra_info(names.get(info, info))
