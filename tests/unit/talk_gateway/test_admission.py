"""Places for turns: bounded, in order, and free again however a turn ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from talk_gateway.admission import Admission, AdmissionLimits
from talk_kit import deadline
from talk_kit.errors import OutOfTime, Overloaded, RateLimited
from tests.fakes.waiting import eventually

LONG = 60.0


@asynccontextmanager
async def full(admission: Admission, agent: str = "a", turns: int = 1) -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        for _ in range(turns):
            await stack.enter_async_context(admission.place(agent))
        yield stack


async def enter(admission: Admission, agent: str = "a") -> None:
    async with admission.place(agent):
        pass


def refused(code: str) -> float:
    return REGISTRY.get_sample_value("talk_gateway_turns_refused_total", {"code": code}) or 0.0


@pytest.mark.parametrize(("limits", "error"), [
    (AdmissionLimits(turns=2, agent_turns=9, waiting=0), Overloaded),
    (AdmissionLimits(turns=9, agent_turns=2, waiting=0), RateLimited),
])  # fmt: skip
async def test_one_more_than_the_bound_is_refused_and_told_when_to_come_back(
    limits: AdmissionLimits, error: type[Overloaded | RateLimited]
) -> None:
    admission, before = Admission(limits), refused(error.code)
    async with full(admission, turns=2):
        with pytest.raises(error) as told:
            await enter(admission)
        assert told.value.retry_after
    await enter(admission)
    assert refused(error.code) == before + 1


async def test_an_agent_that_everybody_asks_leaves_room_for_others() -> None:
    admission = Admission(AdmissionLimits(turns=3, agent_turns=2, waiting=5, seconds=LONG))
    async with full(admission, "popular", 2):
        waiting = asyncio.create_task(enter(admission, "popular"))
        await eventually(lambda: admission.waiting == 1)
        await enter(admission, "other")
        assert admission.running == 2
        waiting.cancel()


async def test_those_who_wait_are_served_in_their_order_and_no_more_than_the_bound_wait() -> None:
    admission = Admission(AdmissionLimits(turns=1, waiting=3, seconds=LONG))
    served: list[int] = []

    async def turn(number: int) -> None:
        async with admission.place("a"):
            served.append(number)
            await asyncio.sleep(0)

    async with full(admission):
        tasks = []
        for number in range(3):
            tasks.append(asyncio.create_task(turn(number)))
            await eventually(lambda number=number: admission.waiting == number + 1)
        with pytest.raises(Overloaded):
            await turn(9)
    await asyncio.gather(*tasks)
    assert served == [0, 1, 2]
    assert (admission.running, admission.waiting) == (0, 0)


async def test_the_wait_is_bounded_by_the_setting_and_by_the_callers_time() -> None:
    admission = Admission(AdmissionLimits(turns=1, waiting=3, seconds=0.02))
    async with full(admission):
        with pytest.raises(Overloaded):
            await enter(admission)
        deadline.begin("0.0001", LONG)
        await asyncio.sleep(0.001)
        with pytest.raises(OutOfTime):
            await enter(admission)
    assert (admission.running, admission.waiting) == (0, 0)


# Who waits goes in the moment in which a place falls free: it was given back twice, and one turn too many let in.
@example([*[("begin", 0)] * 3, ("begin", 1), ("begin", 0), ("end", 0), ("step", 0), ("end", 1), ("cancel", 4)])
@given(st.lists(st.tuples(st.sampled_from(["begin", "end", "cancel", "step"]), st.integers(0, 30)), max_size=60))
def test_no_order_of_comings_ends_and_cancels_loses_or_makes_a_place(steps: list[tuple[str, int]]) -> None:
    async def run() -> None:
        admission = Admission(AdmissionLimits(turns=3, agent_turns=2, waiting=100, seconds=LONG))
        turns: list[tuple[asyncio.Task[None], asyncio.Event]] = []
        inside: dict[str, int] = {"a": 0, "b": 0}

        async def turn(agent: str, end: asyncio.Event) -> None:
            async with admission.place(agent):
                inside[agent] += 1
                try:
                    await end.wait()
                finally:
                    inside[agent] -= 1

        for step, number in steps:
            if step == "begin":
                end = asyncio.Event()
                turns.append((asyncio.create_task(turn("ab"[number % 2], end)), end))
            elif step == "end" and turns:
                turns[number % len(turns)][1].set()
            elif step == "cancel" and turns:
                turns[number % len(turns)][0].cancel()
            else:
                await asyncio.sleep(0)
            assert sum(inside.values()) <= 3
            assert max(inside.values()) <= 2
        for _, end in turns:
            end.set()
        for task, _ in turns:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        assert (admission.running, admission.waiting, admission._by_agent) == (0, 0, {})
        async with full(admission, "a", 2), full(admission, "b"):
            assert admission.running == 3

    asyncio.run(run())
