"""What a listener bears, over real sockets: large, slow and broken heads, trailers, silence, and crowds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from talk_kit.connections import ConnectionLimits, at_most_half_of_the_files
from tests.fakes.serving import serve
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback

LIMITS = ConnectionLimits(connections=4, head_bytes=2_000, head_fields=10, head_seconds=0.2)
PATIENT = replace(LIMITS, head_seconds=60.0)
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
BOUND = 20.0


class Socket:
    """A client that says what no library would."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def say(self, *parts: bytes) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def rest(self) -> bytes:
        """What comes until the server closes."""
        try:
            return await asyncio.wait_for(self.reader.read(-1), BOUND)
        except ConnectionResetError:
            return b""

    async def answer(self) -> tuple[bytes, bytes]:
        """Head and body of one answer with a length."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), BOUND)
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return head, await self.reader.readexactly(length)


@dataclass
class Listener:
    """The app behind says which headers it saw."""

    port: int
    open: list[Socket]
    hold: asyncio.Event

    async def connect(self) -> Socket:
        made = Socket(*await asyncio.open_connection("127.0.0.1", self.port))
        self.open.append(made)
        return made


@asynccontextmanager
async def listening(limits: ConnectionLimits, idle: float = 60.0) -> AsyncIterator[Listener]:
    hold = asyncio.Event()

    async def show(request: Request) -> Response:
        return JSONResponse({"body": len(await request.body()), "names": sorted(request.headers)})

    async def held(_request: Request) -> Response:
        await hold.wait()
        return Response("done")

    async def begun(_request: Request) -> Response:
        async def words() -> AsyncIterator[bytes]:
            yield b"first"
            await hold.wait()

        return StreamingResponse(words())

    async def refuse(_request: Request) -> Response:
        return Response("no", 401)

    both = ["GET", "POST"]
    app = Starlette(
        routes=[Route("/", show, methods=both), Route("/held", held), Route("/begun", begun),
                Route("/refuse", refuse, methods=both)]
    )  # fmt: skip
    async with serve(app, limits=limits, idle=idle) as url:
        listener = Listener(int(url.rpartition(":")[2]), [], hold)
        try:
            yield listener
        finally:
            hold.set()
            for each in listener.open:
                each.writer.close()


def problem(answer: bytes) -> tuple[int, str]:
    """Status and code; that the connection closes and the request has an id is checked beside."""
    head, _, body = answer.partition(b"\r\n\r\n")
    names = head.lower()
    assert b"connection: close" in names
    assert b"content-type: application/problem+json" in names
    told = orjson.loads(body)
    assert told["request_id"].encode() in head
    return int(head.split()[1]), told["code"]


TOO_LARGE = {
    "one field": [b"GET / HTTP/1.1\r\nHost: x\r\nA: ", b"a" * 3_000, b"\r\n\r\n"],
    "a field that never ends": [b"GET / HTTP/1.1\r\nA: ", *[b"a" * 500] * 8],
    "a name that never ends": [b"GET / HTTP/1.1\r\n", *[b"a" * 500] * 8],
    "many fields": [b"GET / HTTP/1.1\r\n", *(b"A%d: 1\r\n" % at for at in range(11)), b"\r\n"],
    "a long address": [b"GET /", b"a" * 3_000, b" HTTP/1.1\r\nHost: x\r\n\r\n"],
    "an address that never ends": [b"GET /", *[b"a" * 500] * 8],
    "all in one piece": [b"GET / HTTP/1.1\r\n" + b"".join(b"A%d: %b\r\n" % (at, b"b" * 300) for at in range(9))],
}


@pytest.mark.parametrize("parts", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_head_over_its_bounds_is_refused_and_its_connection_closed(parts: list[bytes]) -> None:
    async with listening(PATIENT) as listener:
        client = await listener.connect()
        await client.say(*parts)
        assert problem(await client.rest()) == (431, "head_too_large")


async def test_a_head_within_its_bounds_is_served_again_and_again() -> None:
    async with listening(PATIENT) as listener:
        client = await listener.connect()
        for _ in range(5):
            await client.say(b"GET / HTTP/1.1\r\nHost: x\r\nA: ", b"a" * 1_500, b"\r\n\r\n")
            assert b"200" in (await client.answer())[0]


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\x00c\r\n\r\n",
        b"GET / HTTP/1.1\r\nA : b\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_a_problem_and_closes(raw: bytes) -> None:
    async with listening(PATIENT) as listener:
        client = await listener.connect()
        await client.say(raw)
        assert problem(await client.rest()) == (400, "invalid_request")


@pytest.mark.parametrize("first", [b"GET /", b"\r\n", b"GET / HTTP/1.1\r\nHost: x\r\nA: b"])
async def test_a_head_that_does_not_end_is_closed_in_time_whatever_drips_in(first: bytes) -> None:
    async with listening(LIMITS) as listener:
        client = await listener.connect()
        await client.say(first)
        dripping = asyncio.create_task(drip(client, b"\r\n" if first == b"\r\n" else b"a"))
        assert problem(await client.rest()) == (408, "slow_request")
        await dripping


async def drip(client: Socket, piece: bytes) -> None:
    """A piece at a time for as long as the server takes it."""
    try:
        while not client.reader.at_eof():
            await client.say(piece)
            await asyncio.sleep(0.01)
    except ConnectionError:
        return


async def test_a_running_request_is_not_bounded_by_the_heads_time() -> None:
    async with listening(replace(LIMITS, head_seconds=0.01)) as listener:
        client = await listener.connect()
        await client.say(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.1)
        listener.hold.set()
        assert (await client.answer())[1] == b"done"


@pytest.mark.parametrize("before", [b"", GET])
async def test_a_connection_that_asks_nothing_is_closed(before: bytes) -> None:
    async with listening(LIMITS, idle=0.1) as listener:
        client = await listener.connect()
        if before:
            await client.say(before)
            await client.answer()
        assert await client.rest() == b""


async def test_what_follows_a_refused_body_keeps_no_connection() -> None:
    async with listening(LIMITS) as listener:
        client = await listener.connect()
        await client.say(POST.replace(b"/ ", b"/refuse "), b"1\r\na\r\n")
        assert b"401" in (await client.answer())[0]
        dripping = asyncio.create_task(drip(client, b"1\r\na\r\n"))
        assert await client.rest() == b""
        await dripping


async def test_fields_after_a_body_are_no_headers() -> None:
    async with listening(PATIENT) as listener:
        client = await listener.connect()
        await client.say(POST + b"1\r\na\r\n0\r\nX-Forwarded-For: 10.0.0.1\r\nX-Session-ID: s\r\n\r\n")
        _, body = await client.answer()
        assert orjson.loads(body) == {"body": 1, "names": ["host", "transfer-encoding"]}
        await client.say(GET)
        assert orjson.loads((await client.answer())[1])["names"] == ["host"]


@pytest.mark.parametrize("endless", [b"0\r\nA: ", b"1;a="], ids=["trailer", "chunk extension"])
async def test_a_trailer_or_an_extension_that_never_ends_is_refused(endless: bytes) -> None:
    async with listening(PATIENT) as listener:
        client = await listener.connect()
        await client.say(POST, endless, *[b"a" * 500] * 8)
        assert problem(await client.rest()) == (431, "head_too_large")


async def test_an_answer_that_has_begun_has_no_other_within_it() -> None:
    async with listening(PATIENT) as listener:
        client = await listener.connect()
        await client.say(b"GET /begun HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"first" in await asyncio.wait_for(client.reader.readuntil(b"first\r\n"), BOUND)
        await client.say(b"no request\r\n\r\n")
        assert await client.rest() == b""


async def test_a_body_larger_than_any_head_arrives_whole() -> None:
    async with listening(PATIENT) as listener:
        client = await listener.connect()
        await client.say(POST, *[b"1f4\r\n" + b"a" * 500 + b"\r\n"] * 40, b"0\r\n\r\n")
        assert orjson.loads((await client.answer())[1])["body"] == 20_000


async def test_of_too_many_connections_the_one_that_idled_longest_goes() -> None:
    async with listening(PATIENT) as listener:
        busy = await listener.connect()
        await busy.say(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        idle = [await listener.connect() for _ in range(2)]
        lately = await listener.connect()
        for each in (idle[1], lately):
            await each.say(GET)
            await each.answer()
        last = await listener.connect()
        assert await idle[0].rest() == b""
        for each in (idle[1], lately, last):
            await each.say(GET)
            assert b"200" in (await each.answer())[0]
        listener.hold.set()
        assert (await busy.answer())[1] == b"done"


async def test_where_all_connections_are_busy_one_more_is_told_so() -> None:
    async with listening(PATIENT) as listener:
        busy = [await listener.connect() for _ in range(LIMITS.connections)]
        for each in busy:
            await each.say(b"GET /held HTTP/1.1\r\nHost: x\r\n\r\n")
        await eventually(lambda: len(asyncio.all_tasks()) > LIMITS.connections)
        refused = await (await listener.connect()).rest()
        assert problem(refused) == (503, "overloaded")
        assert b"retry-after: 2" in refused.lower()
        listener.hold.set()
        for each in busy:
            assert (await each.answer())[1] == b"done"


async def test_a_crowd_of_connections_through_few_places_leaves_the_listener_well() -> None:
    async with listening(PATIENT) as listener:
        for _ in range(200):
            await listener.connect()
        client = await listener.connect()
        await client.say(GET)
        assert b"200" in (await client.answer())[0]


def test_half_of_the_files_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    assert at_most_half_of_the_files(2000) == 512
    assert at_most_half_of_the_files(100) == 100
    monkeypatch.setattr(resource, "getrlimit", lambda _: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert at_most_half_of_the_files(2000) == 2000
