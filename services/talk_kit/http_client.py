"""The HTTP client of every room: to agents, ASR, TTS and models.

A few `httpx.AsyncClient`s share one SSLContext: a single client scans its whole pool at each request and
collapses at 50 concurrent streams (measured), and a client for each request costs 35 ms of CPU for its SSLContext.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Self

import httpx

from talk_kit.context import outgoing_headers
from talk_kit.errors import DeadlineExceeded, ProviderFailed, ProviderUnreachable

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 30.0
# Servers on uvicorn close an idle connection after 5 s; one that is kept longer here would fail its next request.
KEEP_ALIVE_SECONDS = 4.0


class HttpPool:
    """A few clients; each request takes the one with the fewest requests under way.

    Every call carries the request's id and trace, is bounded in connecting and in silence, follows no redirect,
    and raises errors of Talk: ProviderUnreachable (no connection), DeadlineExceeded (silent for too long) and
    ProviderFailed (broken off). `target` is how the error names the other side: "The speech provider".
    """

    def __init__(self, *, clients: int = 4, transport: httpx.AsyncBaseTransport | None = None) -> None:
        context = httpx.create_ssl_context()
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=KEEP_ALIVE_SECONDS)
        self._clients = [
            httpx.AsyncClient(verify=context, limits=limits, follow_redirects=False, transport=transport)
            for _ in range(clients)
        ]
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

        `connect` bounds connecting, `idle` each wait for the next bytes, both in seconds. `content` is httpx's
        `json`, `content`, `data`, `files` or `params`.
        """
        timeout = httpx.Timeout(idle, connect=connect, pool=connect)
        index = min(range(len(self._running)), key=self._running.__getitem__)
        self._running[index] += 1
        try:
            async with AsyncExitStack() as stack:
                with _translated(target):
                    all_headers = {**outgoing_headers(), **(headers or {})}
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


class _translated:  # noqa: N801 - reads as a word where it is used
    """httpx's errors as Talk's. A class, so that an error thrown into the block of `stream` passes through too."""

    def __init__(self, target: str) -> None:
        self._target = target

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        match error:
            case httpx.ConnectError() | httpx.ConnectTimeout() | httpx.PoolTimeout():
                raise ProviderUnreachable(f"{self._target} cannot be reached.") from error
            case httpx.TimeoutException():
                raise DeadlineExceeded(f"{self._target} did not answer in time.") from error
            case httpx.InvalidURL() | httpx.UnsupportedProtocol():
                raise ProviderFailed(f"{self._target} has an address that cannot be used.") from error
            case httpx.HTTPError() | httpx.StreamError():
                raise ProviderFailed(f"{self._target} broke off the connection.") from error
