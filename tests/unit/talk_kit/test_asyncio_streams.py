"""Connections on asyncio, plain and over TLS, under asyncio's loop as here and uvloop's as in production."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from talk_kit.asyncio_streams import LOST_SECONDS, AsyncioBackend
from talk_kit.errors import ProviderUnreachable
from talk_kit.http_client import HttpPool
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback
BIG = 48 << 20


@dataclass
class Echo:
    """An HTTP server that says how many bytes it got; `/big` sends BIG, `/close` ends the connection, `/hang` waits."""

    connections: int = 0
    open: int = 0
    sent: int = 0
    url: str = ""
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open += 1
        try:
            while await self._request(reader, writer):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.open -= 1
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        length = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        body = await reader.readexactly(length[0]) if length else b""
        path = head.split()[1]
        if path == b"/hang":
            await reader.read()
            return False
        if path == b"/big":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BIG)
            for _ in range(BIG >> 16):
                writer.write(bytes(1 << 16))
                await writer.drain()
                self.sent += 1 << 16
            return True
        said = str(len(body)).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(said), said))
        await writer.drain()
        return path != b"/close"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


@pytest.fixture(params=["http", "https"])
async def echo(request: pytest.FixtureRequest, authority: trustme.CA) -> AsyncIterator[Echo]:
    context = None
    if request.param == "https":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1").configure_cert(context)
    found = Echo()
    server = await asyncio.start_server(found.handle, "127.0.0.1", 0, ssl=context)
    found.url = f"{request.param}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield found
        await eventually(lambda: found.open == 0)


async def test_bodies_go_both_ways_whole_on_one_connection(echo: Echo, trusted: None) -> None:
    async with HttpPool(clients=1) as pool:
        for size in (0, 1, BIG):
            answer = await pool.request("POST", f"{echo.url}/", content=bytes(size))
            assert answer.text == str(size)
        assert len((await pool.request("GET", f"{echo.url}/big", max_bytes=BIG)).content) == BIG
        assert echo.connections == 1


async def test_a_reader_that_stops_holds_the_sender(echo: Echo, trusted: None) -> None:
    async with HttpPool(clients=1) as pool, pool.stream("GET", f"{echo.url}/big") as response:
        body = response.aiter_raw()
        await anext(body)
        before = -1
        while before != echo.sent:
            before = echo.sent
            await asyncio.sleep(0.1)
        assert echo.sent < BIG
        assert sum([len(part) async for part in body]) > 0
        assert echo.sent == BIG


async def test_a_connection_that_was_closed_meanwhile_is_not_used_again(echo: Echo, trusted: None) -> None:
    async with HttpPool(clients=1) as pool:
        await pool.request("GET", f"{echo.url}/close")
        await eventually(lambda: echo.open == 0)
        assert (await pool.request("GET", f"{echo.url}/")).text == "0"
        assert echo.connections == 2


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system cannot bound it")
async def test_a_machine_that_is_gone_is_noticed(echo: Echo) -> None:
    """The kernel does it: what it was told is all that can be seen without pulling a plug."""
    address = echo.url.rpartition("//")[2].split(":")
    stream = await AsyncioBackend().connect_tcp(address[0], int(address[1]), timeout=5)
    peer = stream.get_extra_info("socket")
    assert peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == LOST_SECONDS * 1000
    assert peer.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    await stream.aclose()


async def test_a_cancelled_call_closes_its_connection_and_harms_no_other(echo: Echo, trusted: None) -> None:
    async with HttpPool(clients=1) as pool:
        call = asyncio.create_task(pool.request("GET", f"{echo.url}/hang"))
        await eventually(lambda: echo.open == 1)
        call.cancel()
        await eventually(lambda: echo.open == 0, 1)
        assert (await pool.request("POST", f"{echo.url}/", content=b"abc")).text == "3"


async def test_a_certificate_of_a_stranger_is_refused(echo: Echo) -> None:
    if not echo.url.startswith("https"):
        return
    async with HttpPool(clients=1) as pool:
        with pytest.raises(ProviderUnreachable):
            await pool.request("GET", f"{echo.url}/")


async def test_a_proxy_of_the_environment_is_used(echo: Echo, monkeypatch: pytest.MonkeyPatch) -> None:
    if echo.url.startswith("https"):
        return
    monkeypatch.setenv("HTTP_PROXY", echo.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with HttpPool(clients=1) as pool:
        assert (await pool.request("POST", "http://not-here.invalid/", content=b"ab")).text == "2"
