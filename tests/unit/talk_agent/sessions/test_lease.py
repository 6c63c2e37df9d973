"""One turn per session at a time, across replicas."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from talk_agent.sessions.keys import session_keys
from talk_agent.sessions.lease import RedisTurnLock
from talk_agent.sessions.port import Append
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_kit.errors import SessionBusy, Unavailable
from talk_kit.redis_address import RedisAddress
from tests.fakes.waiting import eventually
from tests.unit.talk_agent.sessions.talking import questions, turn


@pytest.fixture
async def replicas(address: RedisAddress, agent: str) -> AsyncIterator[list[RedisTurnLock]]:
    servers = [RedisServer(address) for _ in range(4)]
    yield [RedisTurnLock(server, agent, wait=5.0, lease=6.0) for server in servers]
    for server in servers:
        await server.close()


async def test_replicas_take_turns(replicas: list[RedisTurnLock]) -> None:
    inside, most = 0, 0

    async def one(lock: RedisTurnLock) -> None:
        nonlocal inside, most
        async with lock.hold("s"):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.002)
            inside -= 1

    await asyncio.gather(*(one(lock) for lock in replicas for _ in range(5)))
    assert most == 1


async def test_sessions_do_not_wait_for_each_other(replicas: list[RedisTurnLock]) -> None:
    async with replicas[0].hold("a"), replicas[1].hold("b"), replicas[0].hold("c"):
        pass


async def test_who_came_first_is_served_first(replicas: list[RedisTurnLock], whole: RedisServer, agent: str) -> None:
    served: list[int] = []
    line = session_keys(agent, "s", "s").line

    async def one(number: int) -> None:
        async with replicas[number].hold("s"):
            served.append(number)

    async def waiting(count: int) -> bool:
        return bool((await whole.run(("HLEN", line)))[0] == count)

    async with replicas[0].hold("s"), asyncio.TaskGroup() as tasks:
        for number in (1, 2, 3):
            tasks.create_task(one(number))
            await eventually(lambda number=number: waiting(number))
        # The group waits for all three, which wait for the lease that is given back here.
        tasks.create_task(_drop(replicas[0], "s", whole, agent))
    assert served == [1, 2, 3]


async def _drop(lock: RedisTurnLock, session_id: str, whole: RedisServer, agent: str) -> None:
    await whole.run(("DEL", session_keys(agent, session_id, session_id).lease))


async def test_a_caller_that_waits_too_long_is_told(address: RedisAddress, replicas: list[RedisTurnLock]) -> None:
    other = RedisServer(address)
    impatient = RedisTurnLock(other, replicas[0]._agent, wait=0.1)
    async with replicas[0].hold("s"):
        with pytest.raises(SessionBusy) as refused:
            async with impatient.hold("s"):
                pass
    assert refused.value.retry_after
    async with impatient.hold("s"):
        pass
    assert len(impatient) == 0
    await other.close()


async def test_a_line_that_is_full_takes_no_more(replicas: list[RedisTurnLock], whole: RedisServer, agent: str) -> None:
    keys = session_keys(agent, "s", "s")
    seconds, micros = (await whole.run(("TIME",)))[0]
    now = int(seconds) * 1000 + int(micros) // 1000
    places = [(f"w{number}", f"{now}:{now + 60_000}") for number in range(16)]
    await whole.run(("HSET", keys.line, *[part for place in places for part in place]), ("SET", keys.lease, "x"))
    with pytest.raises(SessionBusy, match="Too many"):
        async with replicas[0].hold("s"):
            pass


async def test_a_holder_that_died_is_forgotten(whole: RedisServer, replicas: list[RedisTurnLock], agent: str) -> None:
    keys = session_keys(agent, "s", "s")
    await whole.run(("SET", keys.lease, "dead", "PX", 200))
    await whole.run(("HSET", keys.line, "dead-waiter", "1:1"))
    async with replicas[0].hold("s"):
        pass


async def test_the_lease_lives_as_long_as_the_turn(address: RedisAddress, agent: str, whole: RedisServer) -> None:
    own = RedisServer(address)
    lock = RedisTurnLock(own, agent, wait=1.0, lease=0.3)
    key = session_keys(agent, "s", "s").lease
    async with lock.hold("s") as fence:
        lives: list[int] = []

        async def extended() -> bool:
            lives.append((await whole.run(("PTTL", key)))[0])
            return sum(1 for before, after in pairwise(lives) if after > before) >= 5

        await eventually(extended)
        assert (await whole.run(("GET", key)))[0] == fence.encode()
    assert (await whole.run(("EXISTS", key)))[0] == 0
    await own.close()


async def test_a_turn_that_lost_its_lease_cannot_write(
    replicas: list[RedisTurnLock], store: RedisSessionStore, whole: RedisServer, agent: str
) -> None:
    key = session_keys(agent, "s", "s").lease
    async with replicas[0].hold("s") as stale:
        await whole.run(("DEL", key))  # as if the holder had been away for longer than its lease
        async with replicas[1].hold("s") as fresh:
            with pytest.raises(SessionBusy):
                await store.append("s", Append(turn("stale")), version=0, fence=stale)
            await store.append("s", Append(turn("fresh")), version=0, fence=fresh)
        with pytest.raises(SessionBusy):
            await store.append("s", Append(turn("stale")), version=1, fence=stale)
    assert questions(await store.load("s", 5)) == ["fresh"]


async def test_giving_back_a_lost_lease_leaves_its_new_holder_alone(
    replicas: list[RedisTurnLock], whole: RedisServer, agent: str
) -> None:
    key = session_keys(agent, "s", "s").lease
    async with replicas[0].hold("s"):
        await whole.run(("SET", key, "theirs"))
    assert (await whole.run(("GET", key)))[0] == b"theirs"


@pytest.mark.parametrize("steps", range(0, 40, 3))
async def test_who_is_cancelled_leaves_no_lease(
    replicas: list[RedisTurnLock], whole: RedisServer, agent: str, steps: int
) -> None:
    keys = session_keys(agent, "s", "s")
    entered = asyncio.Event()

    async def one() -> None:
        async with replicas[0].hold("s"):
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(one())
    for _ in range(steps):
        await asyncio.sleep(0)
    if steps > 30:
        await entered.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await replicas[0].close()
    assert (await whole.run(("EXISTS", keys.lease, keys.line)))[0] == 0
    assert len(replicas[0]) == 0


@pytest.mark.loopback
async def test_without_redis_a_turn_is_refused_as_unavailable() -> None:
    lock = RedisTurnLock(RedisServer(RedisAddress(path="/nowhere/s")), "a", wait=1.0)
    with pytest.raises(Unavailable):
        async with lock.hold("s"):
            pass
    assert len(lock) == 0
