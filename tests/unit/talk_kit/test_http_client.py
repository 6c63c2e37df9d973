"""The pool against real sockets that misbehave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
import pytest

from talk_kit.errors import DeadlineExceeded, ProviderFailed, ProviderUnreachable, TalkError
from talk_kit.http_client import HttpPool

pytestmark = pytest.mark.loopback
Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"


@asynccontextmanager
async def raw_server(behaviour: Handler) -> AsyncIterator[str]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await behaviour(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def reset(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"half")
    await writer.drain()


async def garbage(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH\r\n\r\n")
    await writer.drain()


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def stall(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"half")
    await writer.drain()
    await reader.read()


async def huge(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n" + bytes(100_000))
    await writer.drain()


async def elsewhere(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    ("behaviour", "error"),
    [
        (reset, ProviderFailed),
        (cut, ProviderFailed),
        (garbage, ProviderFailed),
        (silent, DeadlineExceeded),
        (stall, DeadlineExceeded),
        (huge, ProviderFailed),
    ],
)
async def test_what_the_other_side_does_wrong_is_told_in_our_words(behaviour: Handler, error: type[TalkError]) -> None:
    async with raw_server(behaviour) as url, HttpPool(clients=1) as pool:
        with pytest.raises(error, match=r"^The model "):
            await pool.request("GET", url, target="The model", idle=0.2, max_bytes=50_000)


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/", "http://no-such-host.invalid/"])
async def test_no_connection_is_unreachable(url: str) -> None:
    async with HttpPool(clients=1) as pool:
        with pytest.raises(ProviderUnreachable, match="The model cannot be reached"):
            await pool.request("GET", url, target="The model", connect=2)


async def test_a_redirect_is_an_answer_never_followed() -> None:
    async with raw_server(elsewhere) as url, HttpPool(clients=1) as pool:
        assert (await pool.request("GET", url)).status_code == 302


async def test_leaving_the_block_closes_the_connection_at_once() -> None:
    closed = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n")
        await writer.drain()
        await reader.read()
        closed.set()

    async with raw_server(endless) as url, HttpPool() as pool:
        async with pool.stream("GET", url) as response:
            assert await anext(response.aiter_bytes()) == b"x"
        await asyncio.wait_for(closed.wait(), 1)


async def test_requests_spread_over_the_clients() -> None:
    async with HttpPool(clients=3, transport=httpx.MockTransport(lambda _: httpx.Response(200))) as pool:
        async with pool.stream("GET", "http://a/"), pool.stream("GET", "http://a/"), pool.stream("GET", "http://a/"):
            assert pool._running == [1, 1, 1]
        assert pool._running == [0, 0, 0]
