"""Keys are due in time, worked on once at a time, and tried again later and later."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_operator.workqueue import LAST_RETRY, Schedule, WorkQueue, retry_delay
from tests.fakes.waiting import eventually


def test_a_key_is_taken_when_it_is_due_and_once_for_many_adds() -> None:
    schedule: Schedule[str] = Schedule()
    for at in (3.0, 1.0, 2.0):
        schedule.add("a", at)
    assert schedule.take(0.5) is None
    assert schedule.next_at() == 1.0
    assert schedule.take(1.0) == "a"
    schedule.done("a", failed=False)
    assert schedule.take(10.0) is None
    assert schedule.next_at() is None


def test_a_key_that_is_worked_on_is_taken_again_only_afterwards() -> None:
    schedule: Schedule[str] = Schedule()
    schedule.add("a", 0.0)
    assert schedule.take(0.0) == "a"
    schedule.add("a", 0.0)
    assert schedule.take(1.0) is None
    schedule.done("a", failed=False)
    assert schedule.take(1.0) == "a"


def test_failures_in_a_row_are_counted_and_forgotten_after_a_success() -> None:
    schedule: Schedule[str] = Schedule()
    counts = []
    for failed in (True, True, False, True):
        schedule.add("a", 0.0)
        schedule.take(0.0)
        counts.append(schedule.done("a", failed=failed))
    assert counts == [1, 2, 0, 1]


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_delay_grows_to_its_bound_and_is_spread(failures: int, jitter: float) -> None:
    delay = retry_delay(failures, jitter)
    assert 0.3 < delay <= LAST_RETRY
    assert delay <= retry_delay(failures + 1, jitter)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 100)), max_size=30))
def test_every_key_is_taken_once_at_its_earliest_time(adds: list[tuple[str, float]]) -> None:
    schedule: Schedule[str] = Schedule()
    for name, at in adds:
        schedule.add(name, at)
    earliest = {name: min(at for other, at in adds if other == name) for name, _ in adds}
    taken = {}
    while (due := schedule.next_at()) is not None:
        key = schedule.take(due)
        assert key is not None
        taken[key] = due
        schedule.done(key, failed=False)
    assert taken == earliest


class Running:
    """A queue that runs, with a clock that a test sets."""

    def __init__(self, work: Callable[[str], Awaitable[float | None]], workers: int = 2) -> None:
        self.now = 0.0
        self.queue: WorkQueue[str] = WorkQueue(work, workers=workers, clock=lambda: self.now, jitter=lambda: 0.0)

    async def __aenter__(self) -> Running:
        self._task = asyncio.create_task(self.queue.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self._task


async def test_one_key_has_one_worker_and_many_events_are_one_more_round() -> None:
    running, most, rounds = 0, 0, 0
    go = asyncio.Event()

    async def work(_: str) -> None:
        nonlocal running, most, rounds
        running, rounds = running + 1, rounds + 1
        most = max(most, running)
        await go.wait()
        running -= 1

    async with Running(work, workers=4) as run:
        run.queue.add("a", 0.0)
        await eventually(lambda: rounds == 1)
        for _ in range(10):
            run.queue.add("a", 0.0)
        go.set()
        await eventually(lambda: rounds == 2 and running == 0)
    assert most == 1


async def test_a_failure_is_tried_again_after_a_while_and_others_go_on() -> None:
    seen: list[str] = []

    async def work(key: str) -> None:
        seen.append(key)
        if key == "bad" and seen.count("bad") < 3:
            raise ValueError("not yet")

    async with Running(work, workers=1) as run:
        run.queue.add("bad", 0.0)
        run.queue.add("good", 0.0)
        await eventually(lambda: seen == ["bad", "good"])
        for tries in (2, 3):
            run.now += 2.0
            run.queue.add("good", 0.0)  # wakes the worker, which looks at the clock
            await eventually(lambda tries=tries: seen.count("bad") == tries)


async def test_what_work_returns_is_when_the_key_is_due_again() -> None:
    seen: list[float] = []

    async def work(_: str) -> float:
        seen.append(run.now)
        return 300.0

    run = Running(work)
    async with run:
        run.queue.add("a", 0.0)
        await eventually(lambda: seen == [0.0])
        run.now = 300.0
        run.queue.add("b", 0.0)
        await eventually(lambda: seen.count(300.0) == 2)
