"""Blocking work in threads."""

from __future__ import annotations

import asyncio
import functools
import threading

import pytest

from talk_kit.errors import ProviderBusy
from talk_local.lane import Lane
from tests.fakes.waiting import eventually


async def test_work_is_done_in_order_and_its_result_returned() -> None:
    lane, order = Lane("test", workers=1, waiting=10), list[int]()

    def work(n: int) -> int:
        order.append(n)
        return n

    results = await asyncio.gather(*(lane.run(functools.partial(work, n)) for n in range(5)))
    assert results == order == [0, 1, 2, 3, 4]
    await eventually(lambda: lane.pending == 0)
    lane.close()


async def test_errors_come_to_the_caller_and_free_the_place() -> None:
    lane = Lane("test", workers=1, waiting=0)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            await lane.run(lambda: 1 // 0)
        await eventually(lambda: lane.pending == 0)
        lane.admit()
    lane.close()


async def test_a_cancelled_caller_takes_its_work_out_of_the_queue() -> None:
    lane, begun, release, ran = Lane("test", workers=1, waiting=1), threading.Event(), threading.Event(), list[int]()

    def hold() -> bool:
        begun.set()
        return release.wait(10)

    running = asyncio.create_task(lane.run(hold))
    await eventually(begun.is_set)
    waiting = asyncio.create_task(lane.run(lambda: ran.append(1)))
    await eventually(lambda: lane.pending == 2)
    with pytest.raises(ProviderBusy):
        lane.admit()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await eventually(lambda: lane.pending == 1)
    lane.admit()
    release.set()
    await running
    await eventually(lambda: lane.pending == 0)
    assert not ran
    lane.close()
