"""One holder at a time; a holder that is gone is replaced, a holder that lost it knows."""

from __future__ import annotations

import asyncio

import pytest

from talk_operator.lease import DEADLINE, DURATION, RENEW, RETRY, Lease, LeaseLost
from tests.fakes.cluster import FakeCluster
from tests.fakes.waiting import eventually


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept.append(seconds)
        if len(self.slept) > 10_000:
            raise TimeoutError("it never comes")
        await asyncio.sleep(0)


def lease(cluster: FakeCluster, identity: str, clock: Clock) -> Lease:
    return Lease(cluster.api(), "talk", "talk-operator", identity, clock=clock, sleep=clock.sleep)


async def test_the_first_takes_it_at_once() -> None:
    cluster, clock = FakeCluster(), Clock()
    one = lease(cluster, "one", clock)
    await one.acquire()
    assert one.held
    assert clock.slept == []
    assert cluster.get("Lease", "talk-operator")["spec"]["holderIdentity"] == "one"


async def test_a_holder_that_is_killed_is_replaced_within_thirty_seconds() -> None:
    cluster, clock = FakeCluster(), Clock()
    await lease(cluster, "one", clock).acquire()
    two = lease(cluster, "two", clock)
    await two.acquire()
    assert DURATION <= clock.now <= DURATION + 2 * RETRY < 30
    assert cluster.get("Lease", "talk-operator")["spec"]["leaseTransitions"] == 2


async def test_a_holder_that_renews_is_not_replaced() -> None:
    cluster, clock = FakeCluster(), Clock()
    one, two = lease(cluster, "one", clock), lease(cluster, "two", clock)
    await one.acquire()
    holding, waiting = asyncio.create_task(one.hold()), asyncio.create_task(two.acquire())
    await eventually(lambda: clock.now >= 60)
    assert one.held
    assert not two.held
    for task in (holding, waiting):
        task.cancel()
    await asyncio.gather(holding, waiting, return_exceptions=True)


async def test_one_that_is_given_back_is_free_at_once() -> None:
    cluster, clock = FakeCluster(), Clock()
    one, two = lease(cluster, "one", clock), lease(cluster, "two", clock)
    await one.acquire()
    await one.release()
    await two.acquire()
    assert clock.slept == []
    assert not one.held


async def test_a_holder_that_another_has_replaced_ends() -> None:
    cluster, clock = FakeCluster(), Clock()
    one = lease(cluster, "one", clock)
    await one.acquire()
    taken = cluster.get("Lease", "talk-operator")
    taken["spec"]["holderIdentity"] = "two"
    cluster.put(taken)
    with pytest.raises(LeaseLost):
        await one.hold()
    assert not one.held


async def test_a_holder_that_cannot_renew_ends_before_another_takes_over() -> None:
    cluster, clock = FakeCluster(), Clock()
    one = lease(cluster, "one", clock)
    await one.acquire()
    cluster.refusals["Lease"] = (500, "etcd is away")
    with pytest.raises(LeaseLost):
        await one.hold()
    assert RENEW < clock.now <= DEADLINE + RENEW < DURATION


async def test_a_server_that_is_away_is_waited_for() -> None:
    cluster, clock = FakeCluster(), Clock()
    cluster.refusals["Lease"] = (500, "etcd is away")
    one = lease(cluster, "one", clock)
    waiting = asyncio.create_task(one.acquire())
    await eventually(lambda: clock.now >= 10)
    del cluster.refusals["Lease"]
    await waiting
    assert one.held
