from __future__ import annotations

import asyncio

import pytest

from talk_agent.sessions.lock import LocalTurnLock
from talk_kit.errors import SessionBusy


class Caller:
    """Holds a session until it is told to let go."""

    def __init__(self, lock: LocalTurnLock, session_id: str, order: list[str], name: str) -> None:
        self.inside, self.leave = asyncio.Event(), asyncio.Event()
        self.task = asyncio.create_task(self._hold(lock, session_id, order, name))

    async def _hold(self, lock: LocalTurnLock, session_id: str, order: list[str], name: str) -> None:
        async with lock.hold(session_id):
            order.append(name)
            self.inside.set()
            await self.leave.wait()


async def test_turns_of_a_session_follow_one_another_in_order_of_arrival() -> None:
    lock, order = LocalTurnLock(wait=5.0), list[str]()
    callers = [Caller(lock, "a", order, name) for name in "123"]
    for caller in callers:
        await caller.inside.wait()
        assert sum(each.inside.is_set() and not each.task.done() for each in callers) == 1
        caller.leave.set()
        await caller.task

    assert order == ["1", "2", "3"]
    assert len(lock) == 0


async def test_sessions_do_not_wait_for_each_other() -> None:
    lock, order = LocalTurnLock(wait=5.0), list[str]()
    callers = [Caller(lock, session_id, order, session_id) for session_id in "abc"]
    for caller in callers:
        await caller.inside.wait()
    assert len(lock) == 3
    for caller in callers:
        caller.leave.set()
        await caller.task


async def test_waiting_too_long_is_session_busy_and_leaves_no_trace() -> None:
    lock, order = LocalTurnLock(wait=0.01), list[str]()
    first = Caller(lock, "a", order, "first")
    await first.inside.wait()

    with pytest.raises(SessionBusy) as busy:
        async with lock.hold("a"):
            pytest.fail("two turns of one session")

    assert busy.value.retry_after
    first.leave.set()
    await first.task
    assert len(lock) == 0


async def test_a_line_that_is_too_long_is_refused_at_once() -> None:
    lock, order = LocalTurnLock(wait=60.0, longest_line=2), list[str]()
    callers = [Caller(lock, "a", order, name) for name in "123"]
    await callers[0].inside.wait()
    async with asyncio.timeout(5.0):
        with pytest.raises(SessionBusy):
            async with lock.hold("a"):
                pytest.fail("two turns of one session")
    for caller in callers:
        await caller.inside.wait()
        caller.leave.set()
        await caller.task
    assert len(lock) == 0


async def test_a_waiter_that_gives_up_does_not_hold_up_those_behind_it() -> None:
    lock, order = LocalTurnLock(wait=60.0), list[str]()
    first, second, third = (Caller(lock, "a", order, name) for name in "123")
    await first.inside.wait()
    second.task.cancel()
    await asyncio.gather(second.task, return_exceptions=True)
    first.leave.set()
    await third.inside.wait()
    third.leave.set()
    await asyncio.gather(first.task, third.task)

    assert order == ["1", "3"]
    assert len(lock) == 0
