from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_agent.models import merge
from talk_agent.models.chunks import ChatStream
from talk_agent.models.merge import Waits, merged
from talk_agent.models.pieces import Failed, Finished, Piece, Text
from talk_kit.errors import DeadlineExceeded, ProviderFailed
from tests.fakes.llm import DONE, chunk, text

FOREVER = 3600.0
STOP = chunk({}, "stop")


class Source:
    """Bytes that a test hands over one by one, and whether the stream was closed."""

    def __init__(self) -> None:
        self.reader = ChatStream()
        self.closed = False
        self.taken = 0
        self._bytes: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()

    def send(self, *parts: bytes | Exception | None) -> None:
        for part in parts:
            self._bytes.put_nowait(part)

    async def batches(self) -> AsyncGenerator[list[Piece], None]:
        try:
            while (part := await self._bytes.get()) is not None:
                if isinstance(part, Exception):
                    raise part
                self.taken += 1
                yield self.reader.feed(part)
        finally:
            self.closed = True

    def merged(self, window: float = FOREVER, waits: Waits | None = None) -> AsyncGenerator[Piece, None]:
        return merged(self.batches(), self.reader, waits or Waits(), window)


async def next_text(pieces: AsyncGenerator[Piece, None]) -> str:
    piece = await anext(pieces)
    assert isinstance(piece, Text)
    return piece.text


async def test_the_first_text_leaves_at_once_and_later_text_is_merged_to_the_end_of_a_sentence() -> None:
    source = Source()
    async with aclosing(source.merged()) as pieces:
        source.send(text("Hel"))
        assert await next_text(pieces) == "Hel"
        source.send(text("lo "), text("there"), text(". "), text("How"))
        assert (await next_text(pieces)).startswith("lo there. ")
        source.send(text(" are you"), STOP, None)
        assert (await next_text(pieces)).endswith(" are you")
        assert await anext(pieces) == Finished("stop")


async def test_text_without_a_stop_leaves_after_the_window() -> None:
    source = Source()
    async with aclosing(source.merged(window=0.01)) as pieces:
        source.send(text("Hel"))
        assert await next_text(pieces) == "Hel"
        source.send(text("lo"), text(" there"))
        assert await next_text(pieces) == "lo there"


async def test_text_leaves_with_the_finish_reason_although_the_stream_goes_on() -> None:
    source = Source()
    async with aclosing(source.merged()) as pieces:
        source.send(text("One"))
        await next_text(pieces)
        source.send(text(" two"), STOP)
        assert await next_text(pieces) == " two"


@pytest.mark.parametrize("stop", list(".!?。！？।॥؟۔\n…"))
async def test_the_stops_of_every_script_end_the_waiting(stop: str) -> None:
    source = Source()
    async with aclosing(source.merged()) as pieces:
        source.send(text("a"))
        await next_text(pieces)
        source.send(text("b" + stop))
        assert await next_text(pieces) == "b" + stop


async def test_thoughts_are_not_the_first_text() -> None:
    source = Source()
    async with aclosing(source.merged()) as pieces:
        source.send(chunk({"reasoning": "hm"}), text("Hel"))
        assert await next_text(pieces) == "Hel"


async def test_a_failure_comes_after_the_text_before_it() -> None:
    source = Source()
    source.send(text("The "), text("answer"), ProviderFailed("broke off"))
    pieces = [piece async for piece in source.merged()]
    assert "".join(piece.text for piece in pieces if isinstance(piece, Text)) == "The answer"
    assert isinstance(pieces[-1], Failed)
    assert pieces[-1].error.detail == "broke off"


async def test_a_connection_that_breaks_after_the_finish_does_no_harm() -> None:
    source = Source()
    source.send(text("Hello."), STOP, ProviderFailed("broke off"))
    assert [piece async for piece in source.merged()][-1] == Finished("stop")


async def test_a_defect_of_the_reading_side_is_raised() -> None:
    source = Source()
    source.send(text("Hello."), ZeroDivisionError())
    with pytest.raises(ZeroDivisionError):
        [piece async for piece in source.merged()]


async def test_done_ends_the_answer_although_the_connection_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "LINGER", 0.0)
    source = Source()
    source.send(text("Hello."), DONE)
    assert [piece async for piece in source.merged()][-1] == Finished("stop")
    assert source.closed


async def test_a_finish_reason_ends_the_answer_although_the_connection_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge, "GRACE", 0.01)
    source = Source()
    source.send(text("Hello."), STOP)
    assert [piece async for piece in source.merged()][-1] == Finished("stop")
    assert source.closed


@pytest.mark.parametrize(
    "sent", [(), (text("Hel"),), (chunk({"reasoning": "hm"}),)], ids=["nothing", "after text", "after a thought"]
)
async def test_silence_is_a_failure(sent: tuple[bytes, ...]) -> None:
    source = Source()
    source.send(*sent)
    pieces = [piece async for piece in source.merged(waits=Waits(0.01, 0.01, 0.01))]
    assert isinstance(pieces[-1], Failed)
    assert isinstance(pieces[-1].error, DeadlineExceeded)
    assert source.closed


class Silence:
    """Comments for ever, after what a test begins with."""

    def __init__(self, *begin: bytes) -> None:
        self.reader = ChatStream()
        self._begin = begin
        self.comments = 0

    async def batches(self) -> AsyncGenerator[list[Piece], None]:
        for part in self._begin:
            yield self.reader.feed(part)
        while self.comments < 40:
            await asyncio.sleep(0.02)
            self.comments += 1
            yield self.reader.feed(b": keep-alive\n\n")
        yield self.reader.feed(text("At last.") + STOP)


async def test_comments_are_life_before_the_first_token() -> None:
    source = Silence()
    pieces = [piece async for piece in merged(source.batches(), source.reader, Waits(0.0, 0.5, 0.5), FOREVER)]
    assert pieces == [Text("At last."), Finished("stop")]


async def test_comments_alone_are_a_stall_after_it() -> None:
    source = Silence(text("Hello"))
    pieces = [piece async for piece in merged(source.batches(), source.reader, Waits(0.0, 0.5, 0.5), FOREVER)]
    assert isinstance(pieces[-1], Failed)
    assert source.comments < 40


async def test_a_reader_that_does_not_read_stops_the_stream() -> None:
    source = Source()
    source.send(*[text("x" * 10_000) for _ in range(100)], STOP, None)
    async with aclosing(source.merged()) as pieces:
        await next_text(pieces)
        for _ in range(300):
            await asyncio.sleep(0)
        assert source.taken < 20
        rest = "".join([piece.text async for piece in pieces if isinstance(piece, Text)])
    assert len(rest) > 900_000


@pytest.mark.parametrize("begun", [False, True])
async def test_closing_closes_the_stream_and_leaves_no_task(begun: bool) -> None:
    source = Source()
    pieces = source.merged()
    if begun:
        source.send(text("Hel"))
        await next_text(pieces)
    else:
        waiting = asyncio.ensure_future(anext(pieces))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await pieces.aclose()
    assert source.closed
    assert asyncio.all_tasks() == {asyncio.current_task()}


@settings(deadline=None)
@given(tokens=st.lists(st.text(min_size=1, max_size=5), min_size=1), window=st.sampled_from([0.0, FOREVER]))
def test_merging_loses_and_doubles_nothing(tokens: list[str], window: float) -> None:
    async def run() -> str:
        source = Source()
        source.send(*map(text, tokens), STOP, None)
        return "".join([piece.text async for piece in source.merged(window) if isinstance(piece, Text)])

    said = asyncio.run(run())
    whole = "".join(tokens)
    assert said == (whole if whole.strip() else "") or whole.lstrip().startswith(("<", "[", "◁"))
