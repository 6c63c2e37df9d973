"""The HTTP client of every room: to agents, ASR, TTS and models.

A few `httpx.AsyncClient`s share one SSLContext: a single client scans its whole pool at each request and
collapses at 50 concurrent streams (measured), and a client for each request costs 35 ms of CPU for its SSLContext.
"""

from __future__ import annotations

import asyncio
import ssl
import urllib.request
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import httpcore
import httpx

from talk_kit import deadline
from talk_kit.context import outgoing_headers
from talk_kit.errors import DeadlineExceeded, ProviderFailed, ProviderUnreachable
from talk_kit.tracing import client_span
from talk_kit.transport import AsyncioTransport

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 30.0
# Longer than people think between two turns, so that a turn rarely pays for a TLS handshake. A connection that the
# other side closed meanwhile is noticed before it is used.
KEEP_ALIVE_SECONDS = 30.0
KEEP_ALIVE_CONNECTIONS = 64


class HttpPool:
    """A few clients; each request takes the one with the fewest requests under way.

    Every call carries the request's id and trace, is bounded in connecting and in silence, follows no redirect,
    and raises errors of Talk: ProviderUnreachable (no connection), DeadlineExceeded (silent for too long) and
    ProviderFailed (broken off). `target` is how the error names the other side: "The speech provider".
    """

    def __init__(self, *, clients: int = 16, transport: httpx.AsyncBaseTransport | None = None) -> None:
        context = httpx.create_ssl_context()
        self._clients = [_client(context, transport) for _ in range(clients)]
        self._running = [0] * clients

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes every connection."""
        await asyncio.gather(*(client.aclose() for client in self._clients))

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        target: str = "The provider",
        headers: Mapping[str, str] | None = None,
        connect: float = CONNECT_SECONDS,
        idle: float = IDLE_SECONDS,
        **content: Any,
    ) -> AsyncIterator[httpx.Response]:
        """The response as soon as its head is there; leaving the block closes it, read or not.

        `connect` bounds connecting, `idle` each wait for the next bytes, both in seconds and at most what is left of
        the current request: OutOfTime where that was the bound. `content` is httpx's `json`, `content`, `data`,
        `files` or `params`.
        """
        connect = deadline.bounded(connect)
        timeout = httpx.Timeout(deadline.bounded(idle), connect=connect, pool=connect)
        index = min(range(len(self._running)), key=self._running.__getitem__)
        self._running[index] += 1
        try:
            async with AsyncExitStack() as stack:
                with _translated(target), client_span(method, url, target) as traced:
                    all_headers = {**outgoing_headers(), **traced, **(headers or {})}
                    call = self._clients[index].stream(method, url, headers=all_headers, timeout=timeout, **content)
                    yield await stack.enter_async_context(call)
        finally:
            self._running[index] -= 1

    async def request(
        self, method: str, url: str, *, target: str = "The provider", max_bytes: int = 8 << 20, **options: Any
    ) -> httpx.Response:
        """The whole response, its body read up to `max_bytes`; more is ProviderFailed. Options as of `stream`."""
        async with self.stream(method, url, target=target, **options) as response:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > max_bytes:
                    raise ProviderFailed(f"{target} sent an answer that is too large.")
        headers = {k: v for k, v in response.headers.items() if k.lower() not in ("content-encoding", "content-length")}
        return httpx.Response(response.status_code, headers=headers, content=bytes(body), request=response.request)


def _client(context: ssl.SSLContext, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """Where the environment names a proxy, httpx's own transport, which knows how to use one."""
    if transport is None and not urllib.request.getproxies():
        transport = AsyncioTransport(
            context, keepalive_connections=KEEP_ALIVE_CONNECTIONS, keepalive_seconds=KEEP_ALIVE_SECONDS
        )
    limits = httpx.Limits(
        max_connections=None,
        max_keepalive_connections=KEEP_ALIVE_CONNECTIONS,
        keepalive_expiry=KEEP_ALIVE_SECONDS,
    )
    return httpx.AsyncClient(verify=context, limits=limits, follow_redirects=False, transport=transport)


class _translated:  # noqa: N801 - reads as a word where it is used
    """httpx's and httpcore's errors as Talk's. A class: an error thrown into a `stream` block passes through it."""

    def __init__(self, target: str) -> None:
        self._target = target

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, httpx.TimeoutException | httpcore.TimeoutException) and (over := deadline.over()):
            raise over from error
        match error:
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
                raise ProviderUnreachable(f"{self._target} cannot be reached.") from error
            case httpcore.ConnectError() | httpcore.ConnectTimeout() | httpcore.PoolTimeout():
                raise ProviderUnreachable(f"{self._target} cannot be reached.") from error
            case httpx.TimeoutException() | httpcore.TimeoutException():
                raise DeadlineExceeded(f"{self._target} did not answer in time.") from error
            case httpx.InvalidURL() | httpx.UnsupportedProtocol() | httpcore.UnsupportedProtocol():
                raise ProviderFailed(f"{self._target} has an address that cannot be used.") from error
            case httpx.HTTPError() | httpx.StreamError() | httpcore.NetworkError() | httpcore.ProtocolError():
                raise ProviderFailed(f"{self._target} broke off the connection.") from error
