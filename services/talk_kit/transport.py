"""httpx's transport on our own connections: httpcore's pool, with a backend that costs half."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpcore
import httpx

from talk_kit.asyncio_streams import AsyncioBackend
from talk_kit.disconnect import cancel_and_wait


class AsyncioTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 on asyncio. Raises httpcore's errors as they are; `HttpPool` is what translates them.

    A connection is idle for at most twice `keepalive_seconds`. httpcore itself closes one only when the next request
    comes, which after a busy hour may be never: the other side would hold it open as well.
    """

    def __init__(self, context: ssl.SSLContext, *, keepalive_connections: int, keepalive_seconds: float) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context,
            max_connections=None,
            max_keepalive_connections=keepalive_connections,
            keepalive_expiry=keepalive_seconds,
            network_backend=AsyncioBackend(),
        )
        self._keepalive_seconds = keepalive_seconds
        self._closing_idle: asyncio.Task[None] | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        url = request.url
        if self._closing_idle is None or self._closing_idle.done():
            self._closing_idle = asyncio.create_task(self._close_idle(), name="close-idle-connections")
        answer = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answer.status, headers=answer.headers, stream=_Body(answer), extensions=answer.extensions)

    async def aclose(self) -> None:
        if self._closing_idle is not None:
            await cancel_and_wait(self._closing_idle)
        await self._pool.aclose()

    async def _close_idle(self) -> None:
        """Ends when every connection is closed; the next request begins it anew."""
        some = True
        while some:
            await asyncio.sleep(self._keepalive_seconds)
            for connection in self._pool.connections:
                if connection.has_expired():
                    await connection.aclose()
            some = not all(connection.is_closed() for connection in self._pool.connections)


class _Body(httpx.AsyncByteStream):
    def __init__(self, answer: httpcore.Response) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        await self._answer.aclose()
