"""Scripts on a cluster of three: each touches keys of one slot only, or the server would refuse it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from redis.asyncio.cluster import RedisCluster
from redis.crc import key_slot

from talk_agent.sessions.adk_service import RedisSessionService
from talk_agent.sessions.idempotency import Answer
from talk_agent.sessions.keys import session_keys
from talk_agent.sessions.lease import RedisTurnLock
from talk_agent.sessions.port import Append
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_kit.events import TurnCompleted
from tests.fakes.valkey import ClusterServer, Valkey, valkey_cluster
from tests.unit.talk_agent.sessions.talking import questions, turn

pytestmark = pytest.mark.loopback
DONE = TurnCompleted("yes")


@pytest.fixture(scope="module")
def nodes() -> Iterator[list[Valkey]]:
    with valkey_cluster() as servers:
        yield servers


@pytest.fixture
async def cluster(nodes: list[Valkey]) -> AsyncIterator[ClusterServer]:
    async with RedisCluster(host="127.0.0.1", port=nodes[0].port, protocol=2) as client:
        yield ClusterServer(client)


async def test_turns_leases_answers_and_deletion_work(cluster: ClusterServer, agent: str) -> None:
    store = RedisSessionStore(cluster, agent, ttl=60.0, answer_ttl=60.0)
    lock = RedisTurnLock(cluster, agent, wait=5.0)

    async def talk(name: str) -> None:
        for version in range(3):
            append = Append(
                turn(str(version)), {"user:a": 1, "app:b": 2, "c": 3}, f"t{version}", "k", Answer("f", "t", DONE)
            )
            async with lock.hold(name) as fence:
                await store.append(name, append, version=version, fence=fence)
        loaded = await store.load(name, 2, key="k")
        assert questions(loaded) == ["1", "2"]
        assert loaded.state == {"user:a": 1, "app:b": 2, "c": 3}
        assert loaded.answer is not None
        assert [each.id for each in await store.sessions(name)] == [name]

    names = [f"s{number}" for number in range(12)]
    assert len({key_slot(session_keys(agent, name, name).meta.encode()) * 3 // 16_384 for name in names}) == 3
    await asyncio.gather(*(talk(name) for name in names))
    assert await store.delete("s0")
    assert (await store.load("s0", 5)).version == 0


async def test_adks_service_works(cluster: ClusterServer, agent: str) -> None:
    adk = RedisSessionService(cluster, ttl=60.0)
    for number in range(6):
        session = await adk.create_session(app_name=agent, user_id=f"u{number}", state={"app:a": 1, "user:b": number})
        await adk.append_event(session, Event(author="user", actions=EventActions(state_delta={"app:c": 3, "d": 4})))
        read = await adk.get_session(app_name=agent, user_id=f"u{number}", session_id=session.id)
        assert read is not None
        assert read.state == {"app:a": 1, "user:b": number, "app:c": 3, "d": 4}
    listed = (await adk.list_sessions(app_name=agent)).sessions
    assert len(listed) == 6
    await adk.delete_session(app_name=agent, user_id=listed[0].user_id, session_id=listed[0].id)
    assert len((await adk.list_sessions(app_name=agent)).sessions) == 5


@pytest.mark.parametrize("user", ["plain", "{a}", "}", "{", "a}{b", "", "/", "%", "ü"])
@pytest.mark.parametrize("session", ["plain", "{other}", "}{", "", "ü"])
def test_all_keys_of_a_session_are_in_the_slot_of_its_user(user: str, session: str) -> None:
    keys = session_keys("assistant", user, session)
    slots = {key_slot(getattr(keys, name).encode()) for name in keys.__slots__}
    assert slots == {key_slot(session_keys("assistant", user, "other").meta.encode())}
