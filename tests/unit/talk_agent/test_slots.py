from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_agent.slots import Slots
from talk_kit.errors import RateLimited

Step = Literal["come", "end", "fail", "cancel"]


async def hold(slots: Slots, gate: asyncio.Event) -> None:
    with slots.enter():
        async with slots.take():
            await gate.wait()


async def settle() -> None:
    """Lets every task go as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_one_more_than_may_wait_is_refused_at_once() -> None:
    slots, gate = Slots(4, wait=60.0), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(hold(slots, gate)) for _ in range(5)]
        await settle()
        assert (slots.taken, slots.waiting) == (4, 1)
        with pytest.raises(RateLimited) as limited:
            await hold(slots, gate)
        gate.set()

    assert limited.value.retry_after
    assert len(tasks) == 5
    assert (slots.taken, slots.waiting, slots.present) == (0, 0, 0)


async def test_a_wait_for_a_slot_has_an_end() -> None:
    slots, gate = Slots(1, wait=0.01), asyncio.Event()
    holder = asyncio.create_task(hold(slots, gate))
    await settle()
    with pytest.raises(RateLimited):
        await hold(slots, gate)
    gate.set()
    await holder


async def test_turns_that_wait_for_other_things_are_bounded_too() -> None:
    slots = Slots(2)
    async with AsyncExitStack() as present:
        for _ in range(4):
            present.enter_context(slots.enter())
        with pytest.raises(RateLimited), slots.enter():
            pytest.fail("five turns where four may be present")
    assert slots.present == 0


class Play:
    """Turns in slots that come, end, fail and are cancelled."""

    def __init__(self, size: int) -> None:
        self.slots = Slots(size, wait=60.0)
        self.turns: list[tuple[asyncio.Task[None], asyncio.Event, list[Exception]]] = []

    def come(self) -> None:
        gate, errors = asyncio.Event(), list[Exception]()
        self.turns.append((asyncio.create_task(self._turn(gate, errors)), gate, errors))

    def leave(self, number: int, step: Step) -> None:
        task, gate, errors = self.turns[number % len(self.turns)]
        if step == "cancel":
            task.cancel()
        if step == "fail":
            errors.append(ZeroDivisionError())
        gate.set()

    async def _turn(self, gate: asyncio.Event, errors: list[Exception]) -> None:
        with self.slots.enter():
            async with self.slots.take():
                await gate.wait()
                if errors:
                    raise errors[0]


@settings(deadline=None)
@given(size=st.integers(1, 6), steps=st.lists(st.sampled_from(["come", "end", "fail", "cancel"]), max_size=60))
async def test_whatever_happens_every_slot_comes_back(size: int, steps: list[Step]) -> None:
    play = Play(size)
    slots = play.slots
    for number, step in enumerate(steps):
        if step == "come" or not play.turns:
            play.come()
        else:
            play.leave(number, step)
        await settle()
        assert (slots.taken <= size, slots.waiting <= max(1, size // 4), slots.present <= 2 * size) == (True,) * 3
    for task, _, _ in play.turns:
        task.cancel()
    await asyncio.gather(*(task for task, _, _ in play.turns), return_exceptions=True)

    assert (slots.taken, slots.waiting, slots.present) == (0, 0, 0)
    async with AsyncExitStack() as all_of_them:
        for _ in range(size):
            await all_of_them.enter_async_context(slots.take())
