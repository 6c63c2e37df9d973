from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_kit import sse
from talk_kit.errors import ProviderFailed, SessionBusy
from talk_kit.events import ReplyDelta, TurnCompleted, TurnEvent, TurnFailed, TurnStarted
from talk_kit.problems import EXCEPTION_HANDLERS
from talk_kit.serving import middleware
from tests.fakes.serving import serve

AWKWARD = "one\u2028two\u0085three\u2029four\rfive\r\nsix\n\n👩‍👩‍👧‍👦 नमस्ते"


def read(body: bytes, cuts: list[int]) -> list[tuple[str, str]]:
    reader = sse.EventReader()
    borders = [0, *sorted(cut % (len(body) + 1) for cut in cuts), len(body)]
    pieces = [body[a:b] for a, b in itertools.pairwise(borders)]
    return [(event.event, event.data) for piece in pieces for event in reader.feed(piece)]


@given(st.text(), st.lists(st.integers(0, 10_000)))
def test_what_is_encoded_is_read_back_whatever_the_text_and_the_cuts(text: str, cuts: list[int]) -> None:
    (event, data), (last, _) = read(sse.encode(ReplyDelta(text)) + sse.encode(TurnCompleted(text)), cuts)
    assert (event, last) == ("reply.delta", "turn.completed")
    assert orjson.loads(data) == {"text": text}


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
@given(cuts=st.lists(st.integers(0, 200)))
def test_every_line_end_of_the_grammar_is_one(end: str, cuts: list[int]) -> None:
    lines = [
        "\ufeff: hello",
        "retry: 3000",
        "",
        "event: a",
        "data:one",
        "data: two",
        "id: 4",
        "",
        "data",
        "",
        "data: x",
        "",
    ]
    body = (end.join(lines) + end).encode()
    assert read(body, cuts) == [("a", "one\ntwo"), ("message", "x")]


def test_an_event_without_end_is_refused_before_it_fills_the_memory() -> None:
    reader = sse.EventReader(max_bytes=1000)
    with pytest.raises(ProviderFailed):
        for _ in range(30):
            reader.feed(b"data: " + b"x" * 100)
    reader = sse.EventReader(max_bytes=1000)
    with pytest.raises(ProviderFailed):
        for _ in range(30):
            reader.feed(b"data: " + b"x" * 100 + b"\n")


def test_line_separators_never_leave_unescaped() -> None:
    wire = sse.encode(ReplyDelta(AWKWARD)).decode()
    assert len(wire.splitlines()) == 3
    assert orjson.loads(wire.splitlines()[1].removeprefix("data: ")) == {"text": AWKWARD}


async def as_stream(body: bytes) -> AsyncIterator[bytes]:
    for index in range(len(body)):
        yield body[index : index + 1]


async def test_a_turn_is_read_back_and_unknown_events_are_skipped() -> None:
    events: list[TurnEvent] = [
        TurnStarted("t", "s", "a"),
        ReplyDelta(AWKWARD),
        TurnFailed("deadline", "Too long.", True),
    ]
    body = b": hi\n\nevent: brand.new\ndata: {}\n\n" + b"".join(sse.encode(event) for event in events)
    assert [event async for event in sse.read_turn(as_stream(body))] == events


async def test_a_broken_event_of_a_known_type_is_a_failure_of_the_other_side() -> None:
    for body in (b"event: reply.delta\ndata: {}\n\n", b"event: reply.delta\ndata: {nope\n\n"):
        with pytest.raises(ProviderFailed):
            _ = [event async for event in sse.read_turn(as_stream(body))]


class Turn:
    """A turn that tells when it was closed."""

    def __init__(self, first: Exception | None = None, then: Exception | None = None, endless: bool = False) -> None:
        self.first, self.then, self.endless = first, then, endless
        self.closed = asyncio.Event()

    async def events(self) -> AsyncGenerator[TurnEvent, None]:
        try:
            if self.first:
                raise self.first
            yield TurnStarted("t", "s", "a")
            if self.endless:
                await asyncio.Event().wait()
            if self.then:
                raise self.then
            yield TurnCompleted("done")
        finally:
            self.closed.set()


def app_of(turn: Turn) -> Starlette:
    async def endpoint(_request: Request) -> Response:
        return sse.EventStreamResponse(turn.events(), {"X-Session-ID": "s"})

    routes = [Route("/", endpoint)]
    return Starlette(routes=routes, middleware=middleware("test"), exception_handlers=EXCEPTION_HANDLERS)


@pytest.mark.loopback
async def test_headers_keep_proxies_from_buffering_and_compressing() -> None:
    async with serve(app_of(Turn())) as url, httpx.AsyncClient() as client:
        answer = await client.get(url, headers={"Accept-Encoding": "gzip, br"})
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"
    assert "content-encoding" not in answer.headers
    assert answer.headers["x-session-id"] == "s"


@pytest.mark.loopback
async def test_an_error_before_the_first_event_has_its_status() -> None:
    async with serve(app_of(Turn(first=SessionBusy()))) as url, httpx.AsyncClient() as client:
        answer = await client.get(url)
    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (409, "session_busy", "2")


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("error", "code"), [(SessionBusy(), "session_busy"), (ZeroDivisionError("secret"), "internal")]
)
async def test_a_later_error_becomes_the_one_closing_event(error: Exception, code: str) -> None:
    async with serve(app_of(Turn(then=error))) as url, httpx.AsyncClient() as client:
        answer = await client.get(url)
    assert answer.status_code == 200
    assert answer.text.count("event: turn.") == 2
    assert f'"code":"{code}"' in answer.text
    assert "secret" not in answer.text


@pytest.mark.loopback
async def test_a_client_that_goes_closes_the_turn() -> None:
    turn = Turn(endless=True)
    async with serve(app_of(turn)) as url, httpx.AsyncClient() as client:
        async with client.stream("GET", url) as answer:
            async for _ in answer.aiter_bytes():
                break
        await asyncio.wait_for(turn.closed.wait(), 1)


@pytest.mark.loopback
async def test_a_quiet_stream_carries_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "HEARTBEAT_SECONDS", 0.01)
    async with serve(app_of(Turn(endless=True))) as url, httpx.AsyncClient() as client:
        async with client.stream("GET", url) as answer:
            seen = b""
            async for chunk in answer.aiter_bytes():
                seen += chunk
                if seen.count(sse.COMMENT) >= 3:
                    break
    assert seen.startswith(b"event: turn.started")


def test_a_long_line_in_single_bytes_is_not_searched_again_at_each() -> None:
    """Which took minutes for a mebibyte."""
    line = b"data: " + b"x" * (1 << 20)
    reader = sse.EventReader(max_bytes=2 << 20)
    assert not any(reader.feed(line[at : at + 1]) for at in range(len(line)))
    assert [len(event.data) for event in reader.feed(b"\n\n")] == [1 << 20]
