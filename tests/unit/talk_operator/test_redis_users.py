"""Users of agents on a real server: there before they are needed, for one agent each, and back after a restart."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from talk_agent.sessions.port import Append
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import Unavailable
from talk_kit.redis_address import RedisAddress
from talk_kit.redis_users import user_name, user_password
from talk_kit.session_keys import SCHEMA_KEY
from talk_operator import metrics
from talk_operator.config import parse_config
from talk_operator.kinds import AGENT_LABEL
from talk_operator.readiness import Readiness
from talk_operator.reconcile import Reconciler
from talk_operator.redis_users import RedisUsers
from talk_operator.store import Key, Store
from tests.fakes.cluster import FakeCluster
from tests.fakes.valkey import Valkey, valkey
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback
SECRET = "the Secret's"
CONFIG = parse_config({
    "image": "a:1", "gatewayURL": "http://gw:8080", "namespace": "talk", "redisSecret": {"name": "s", "key": "password"}
})  # fmt: skip
AGENT = """
apiVersion: talk.dwani.ai/v1alpha1
kind: TalkAgent
metadata: {name: one}
spec: {instruction: Answer., model: {name: openai/demo}}
"""
ONE, TWO, FAR = Key("talk", "one"), Key("talk", "one-two"), Key("team", "one")


def agent(key: Key) -> dict[str, object]:
    meta = {"name": key.name, "namespace": key.namespace, "uid": str(key), "resourceVersion": "1"}
    return {"kind": "TalkAgent", "metadata": meta, "spec": {}}


def pod(key: Key) -> dict[str, object]:
    meta = {
        "name": "p",
        "namespace": key.namespace,
        "uid": "p",
        "resourceVersion": "1",
        "labels": {AGENT_LABEL: key.name},
    }
    return {"kind": "Pod", "metadata": meta, "status": {}}


@dataclass
class World:
    """A Redis as the chart starts it, and what the operator knows."""

    server: Valkey
    users: RedisUsers
    store: Store

    def address(self, key: Key) -> RedisAddress:
        own = user_password(SECRET, key.namespace, key.name)
        return replace(self.server.address, user=user_name(key.namespace, key.name), password=own)

    def names(self) -> set[str]:
        with self.server.client(password=SECRET) as client:
            return {str(name) for name in client.acl_users()} - {"default"}

    def can(self, key: Key) -> bool:
        own = self.address(key)
        with self.server.client(username=own.user, password=own.password, retry=Retry(NoBackoff(), 0)) as client:
            try:
                return bool(client.ping())
            except redis.exceptions.ConnectionError:  # a refused password is one too
                return False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.users.run(), name="redis-users")
        try:
            yield
        finally:
            await cancel_and_wait(task)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    acl = tmp_path / "users.acl"
    acl.write_text(f"user default on #{hashlib.sha256(SECRET.encode()).hexdigest()} ~* &* +@all\n")
    with valkey("--aclfile", str(acl), "--appendonly", "no") as server:
        yield made(server)


def made(server: Valkey) -> World:
    store = Store()
    address = replace(server.address, password=SECRET)
    return World(server, RedisUsers(address, store, CONFIG, beat=0.02, look=0.05, jitter=lambda: 0.0), store)


def sessions(address: RedisAddress, name: str) -> tuple[RedisServer, RedisSessionStore]:
    server = RedisServer(address)
    return server, RedisSessionStore(server, name, ttl=60.0, answer_ttl=60.0)


async def test_an_agent_reads_its_own_and_nobody_elses(world: World) -> None:
    world.store.put(agent(ONE))
    async with world.running():
        for key in (ONE, TWO, FAR):
            await world.users.ensure(key)
    names = {ONE: "one", TWO: "one-two", FAR: "one.team"}
    for key, own in names.items():
        server, store = sessions(world.address(key), own)
        await store.check()
        await store.append("s", Append(()), version=0)
        assert (await store.load("s", 1)).version == 1
        for other in set(names.values()) - {own}:
            with pytest.raises(Unavailable, match="may not run"):
                await RedisSessionStore(server, other, ttl=60.0, answer_ttl=60.0).load("s", 1)
        for command in (("KEYS", "*"), ("SCAN", 0), ("ACL", "LIST"), ("CONFIG", "GET", "*"), ("SET", SCHEMA_KEY, "9")):
            with pytest.raises(Unavailable, match="may not run"):
                await server.run(command)
        with pytest.raises(Unavailable, match="an error"):  # a script that touches a key which it does not name
            await server.run(("EVAL", "return redis.call('GET', 'talk:1:{elsewhere}:app')", 0))
        await server.close()


async def test_users_of_agents_that_are_gone_go_when_their_last_pod_has(world: World) -> None:
    for key in (ONE, TWO):
        world.store.put(agent(key))
    world.store.put(pod(TWO))
    with world.server.client(password=SECRET) as client:
        client.acl_setuser("agent.talk.before", enabled=True)
        client.acl_setuser("somebody", enabled=True)
    async with world.running():
        await eventually(lambda: world.names() == {"agent.talk.one", "agent.talk.one-two", "somebody"})
        world.store.drop(agent(TWO))
        world.store.drop(agent(ONE))
        await eventually(lambda: world.names() == {"agent.talk.one-two", "somebody"})
        world.store.drop(pod(TWO))
        await eventually(lambda: world.names() == {"somebody"})
        world.store.put(agent(ONE))
        await world.users.ensure(ONE)
        assert world.can(ONE)


async def test_a_redis_that_forgot_its_users_gets_them_again(world: World, tmp_path: Path) -> None:
    world.store.put(agent(ONE))
    async with world.running():
        await world.users.ensure(ONE)
        acl = tmp_path / "users.acl"
        await eventually(lambda: "agent.talk.one" in acl.read_text())
        world.server.kill()
        acl.write_text("".join(line for line in acl.read_text().splitlines(True) if "user default" in line))
        world.server.start()
        await eventually(lambda: world.can(ONE))


async def test_a_user_that_somebody_deleted_is_made_again(world: World) -> None:
    world.store.put(agent(ONE))
    async with world.running():
        await world.users.ensure(ONE)
        with world.server.client(password=SECRET) as client:
            client.acl_deluser("agent.talk.one")
        await eventually(lambda: world.can(ONE))


async def test_users_outlive_a_restart_without_an_operator(world: World) -> None:
    world.store.put(agent(ONE))
    async with world.running():
        await world.users.ensure(ONE)
        await eventually(lambda: _saved(world))
    world.server.kill()
    world.server.start()
    assert world.can(ONE)


def _saved(world: World) -> bool:
    with world.server.client(password=SECRET) as client:
        file = str(client.config_get("aclfile")["aclfile"])
    return "agent.talk.one" in Path(file).read_text()


async def test_with_redis_away_an_agent_is_made_all_the_same_and_gets_its_user_later(world: World) -> None:
    world.server.kill()
    failures = metrics.REDIS_FAILURES._value.get()
    cluster = FakeCluster()
    api, readiness = cluster.api(), Readiness()
    reconciler = Reconciler(api, world.store, CONFIG, readiness, world.users)
    cluster.apply_file(AGENT)
    cluster.sync(world.store)
    async with world.running():
        await reconciler.reconcile(ONE)
        assert "Deployment" in cluster.kinds()
        assert metrics.REDIS_FAILURES._value.get() > failures
        world.server.start()
        await eventually(lambda: world.can(ONE))
        writes = len(cluster.writes)
        await world.users.ensure(ONE)
        assert len(cluster.writes) == writes
    await api.close()
    await readiness.close()


async def test_the_user_is_there_before_the_pod(world: World) -> None:
    cluster = FakeCluster()
    api, readiness = cluster.api(), Readiness()
    cluster.apply_file(AGENT)
    cluster.sync(world.store)
    cluster.refusals["Deployment"] = (500, "not now")
    async with world.running():
        await eventually(lambda: world.can(ONE))
        reconciler = Reconciler(api, world.store, CONFIG, readiness, world.users)
        with pytest.raises(Exception, match="not now"):
            await reconciler.reconcile(ONE)
        assert world.can(ONE)
    await api.close()
    await readiness.close()
