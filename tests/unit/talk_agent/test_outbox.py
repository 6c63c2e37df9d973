from __future__ import annotations

import asyncio

import pytest

from talk_agent.outbox import Outbox
from talk_kit.errors import DeadlineExceeded, SessionBusy
from talk_kit.events import ReplyDelta, TurnCompleted, TurnEvent, TurnFailed


async def read(outbox: Outbox) -> list[TurnEvent]:
    return [event async for event in outbox.read()]


async def test_events_come_in_order_and_the_ending_last() -> None:
    outbox = Outbox()
    reader = asyncio.create_task(read(outbox))
    for word in "abc":
        await outbox.put(ReplyDelta(word))
    outbox.end(TurnCompleted("abc"))

    assert await reader == [ReplyDelta("a"), ReplyDelta("b"), ReplyDelta("c"), TurnCompleted("abc")]


async def test_a_full_outbox_still_delivers_its_ending() -> None:
    outbox = Outbox(size=2)
    await outbox.put(ReplyDelta("a"))
    await outbox.put(ReplyDelta("b"))
    outbox.fail(DeadlineExceeded("too long"))

    events = await read(outbox)

    assert events[:2] == [ReplyDelta("a"), ReplyDelta("b")]
    assert isinstance(events[2], TurnFailed)
    assert isinstance(outbox.error, DeadlineExceeded)


async def test_a_slow_reader_holds_the_writer_up() -> None:
    outbox = Outbox(size=1)
    await outbox.put(ReplyDelta("a"))
    waiting = asyncio.create_task(outbox.put(ReplyDelta("b")))
    await asyncio.sleep(0)
    assert not waiting.done()

    reader = asyncio.create_task(read(outbox))
    await waiting
    outbox.end(TurnCompleted("ab"))
    assert len(await reader) == 3


async def test_the_first_ending_counts() -> None:
    outbox = Outbox()
    outbox.end(TurnCompleted("a"))
    outbox.fail(DeadlineExceeded())

    assert await read(outbox) == [TurnCompleted("a")]
    assert outbox.error is None


async def test_a_refused_turn_raises() -> None:
    outbox = Outbox()
    outbox.end(SessionBusy())

    with pytest.raises(SessionBusy):
        await read(outbox)
