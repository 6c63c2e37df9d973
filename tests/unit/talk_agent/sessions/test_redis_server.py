"""Connections: never reused after a cancel, clear about what is wrong, back by themselves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from talk_agent.sessions.idempotency import Answer
from talk_agent.sessions.lease import RedisTurnLock
from talk_agent.sessions.port import Append
from talk_agent.sessions.redis_errors import Lost, UnknownSchema
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_kit.errors import Unavailable
from talk_kit.redis_address import RedisAddress
from talk_kit.session_keys import SCHEMA_KEY
from tests.fakes.redis_proxy import Proxy
from tests.fakes.valkey import Valkey, free_port, valkey
from tests.fakes.waiting import eventually
from tests.unit.talk_agent.sessions.talking import questions, turn

pytestmark = pytest.mark.loopback

PASSWORD = "hunter2#@/:%"


@pytest.fixture
async def proxy(shared_valkey: Valkey) -> AsyncIterator[Proxy]:
    async with Proxy(shared_valkey.socket) as made:
        yield made


def through(proxy: Proxy, **options: object) -> RedisServer:
    return RedisServer(RedisAddress(host="127.0.0.1", port=proxy.port), **options)  # type: ignore[arg-type]


async def test_who_is_cancelled_at_any_moment_leaves_no_answer_for_the_next(server: RedisServer, agent: str) -> None:
    store = RedisSessionStore(server, agent, ttl=60.0, answer_ttl=60.0)
    names = [f"s{number}" for number in range(8)]
    for name in names:
        await store.append(name, Append(turn(name), {"name": name}), version=0)
    chance = random.Random(12)

    async def reader(name: str) -> None:
        loaded = await store.load(name, 5)
        assert questions(loaded) == [name]
        assert loaded.state == {"name": name}

    for _ in range(150):
        tasks = [asyncio.create_task(reader(chance.choice(names))) for _ in range(6)]
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        await asyncio.sleep(chance.choice([0.0, 0.0002, 0.001]))
        for task in chance.sample(tasks, 3):
            task.cancel()
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            assert outcome is None or isinstance(outcome, asyncio.CancelledError), outcome


async def test_a_cancelled_command_closes_its_connection(proxy: Proxy) -> None:
    server = through(proxy)
    await server.run(("PING",))
    proxy.hold()
    waiting = asyncio.create_task(server.run(("ECHO", "mine")))
    await eventually(lambda: proxy.held > 0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    proxy.release()

    assert await server.run(("ECHO", "yours")) == [b"yours"]
    assert proxy.accepted == 2
    await server.close()


async def test_callers_share_a_few_connections(proxy: Proxy) -> None:
    server = through(proxy, size=3)
    answers = await asyncio.gather(*(server.run(("ECHO", str(number))) for number in range(50)))
    assert answers == [[str(number).encode()] for number in range(50)]
    assert proxy.accepted <= 3
    await server.close()


async def test_a_connection_that_died_while_idle_is_replaced(proxy: Proxy) -> None:
    server = through(proxy)
    await server.run(("PING",))
    proxy.cut()
    assert await server.run(("ECHO", "on")) == [b"on"]
    await server.close()


async def test_a_server_that_does_not_answer_is_given_up(proxy: Proxy) -> None:
    server = through(proxy, timeout=0.2)
    await server.run(("PING",))
    proxy.hold()
    with pytest.raises(Lost, match="does not answer in time"):
        await server.run(("PING",))
    proxy.release()
    await server.close()


async def test_while_nobody_answers_connecting_is_left_alone_for_a_while() -> None:
    server = RedisServer(RedisAddress(host="127.0.0.1", port=free_port()), random_=lambda: 1.0)
    attempts = 0
    opened = RedisAddress.connection

    def counted(self: RedisAddress) -> object:
        nonlocal attempts
        attempts += 1
        return opened(self)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RedisAddress, "connection", counted)
        for _ in range(200):
            with pytest.raises(Lost, match="cannot be reached"):
                await server.run(("PING",))
    assert attempts <= 3


async def test_after_an_outage_everything_goes_on_by_itself() -> None:
    with valkey("--appendonly", "yes", "--appendfsync", "always") as running:
        server = RedisServer(running.address)
        store = RedisSessionStore(server, "a", ttl=60.0, answer_ttl=60.0)
        await store.append("s", Append(turn("one")), version=0)
        running.kill()
        with pytest.raises(Unavailable):
            await store.load("s", 5)
        with pytest.raises(Unavailable):
            await store.check()
        storing = asyncio.create_task(store.append("s", Append(turn("two")), version=1))
        await asyncio.sleep(0)
        await asyncio.to_thread(running.start)

        assert await storing == 2
        assert questions(await store.load("s", 5)) == ["one", "two"]
        await store.check()
        await server.close()


# What is wrong with the server, in a sentence


async def fault(address: RedisAddress) -> str:
    server = RedisServer(address)
    try:
        with pytest.raises(Unavailable) as raised:
            await RedisSessionStore(server, "a", ttl=60.0, answer_ttl=60.0).check()
        assert "hunter2" not in f"{raised.value!r} {raised.value.detail} {raised.value.__cause__}"
        return raised.value.detail
    finally:
        await server.close()


async def test_a_wrong_password_is_told() -> None:
    with valkey("--requirepass", PASSWORD) as running:
        path = running.socket
        assert "asks for a password" in await fault(RedisAddress(path=path))
        assert "refuses the user or the password" in await fault(RedisAddress(path=path, password="hunter2"))
        assert "refuses the user or the password" in await fault(RedisAddress(path=path, user="u", password="hunter2"))
        server = RedisServer(RedisAddress(path=path, password=PASSWORD))
        assert await server.run(("PING",)) == [b"PONG"]
        await server.close()


async def test_a_password_that_nobody_asked_for_is_told(shared_valkey: Valkey) -> None:
    found = await fault(RedisAddress(path=shared_valkey.socket, password="hunter2"))
    assert "refuses the user or the password" in found


async def test_a_full_server_is_told() -> None:
    with valkey("--maxmemory", "100mb") as running:
        with running.client() as client:
            client.config_set("maxmemory", "1")
        assert "is full" in await fault(running.address)
        store = RedisSessionStore(RedisServer(running.address), "a", ttl=60.0, answer_ttl=60.0)
        with pytest.raises(Unavailable, match="is full"):
            await store.append("s", Append(turn("one"), {"x": 1}), version=0)
        with running.client() as client:
            assert client.dbsize() == 0
        await store.close()


async def test_a_replica_is_told() -> None:
    with valkey("--replicaof", "127.0.0.1 1") as running:
        assert "read-only replica" in await fault(running.address)


async def test_a_primary_that_becomes_a_replica_is_left_for_its_successor() -> None:
    with valkey() as running:
        server = RedisServer(running.address)
        store = RedisSessionStore(server, "a", ttl=60.0, answer_ttl=60.0)
        await store.check()
        with running.client() as client:
            client.replicaof("127.0.0.1", "1")
        with pytest.raises(Unavailable, match="read-only replica"):
            await store.check()
        with running.client() as client:
            client.replicaof("NO", "ONE")

        async def well() -> bool:
            try:
                await store.check()
            except Unavailable:
                return False
            return True

        await eventually(well)
        await server.close()


async def test_nobody_there_is_told(tmp_path: object) -> None:
    port = free_port()
    assert f"127.0.0.1:{port} cannot be reached" in await fault(RedisAddress(host="127.0.0.1", port=port))
    assert "/nowhere/s cannot be reached" in await fault(RedisAddress(path="/nowhere/s"))
    assert "cannot be reached" in await fault(RedisAddress(host="no.such.host.invalid"))


async def test_an_old_server_is_told() -> None:
    async with Proxy.speaking(b"# Server\r\nredis_version:6.2.14\r\nrole:master\r\n") as old:
        found = await fault(RedisAddress(host="127.0.0.1", port=old.port))
        assert "is version 6.2.14; Talk needs 7.0 or newer" in found


async def test_a_cluster_is_told() -> None:
    async with Proxy.speaking(b"redis_version:7.2.4\r\nredis_mode:cluster\r\n") as cluster:
        assert "is a cluster" in await fault(RedisAddress(host="127.0.0.1", port=cluster.port))


async def test_something_that_is_no_redis_is_told() -> None:
    async with Proxy.saying(b"HTTP/1.1 400 Bad Request\r\n\r\n") as other:
        found = await fault(RedisAddress(host="127.0.0.1", port=other.port))
        assert found.startswith("Redis at 127.0.0.1:")


async def test_tls_with_a_server_that_has_none_is_told() -> None:
    with valkey(tcp=True) as running:
        found = await fault(RedisAddress(host="127.0.0.1", port=running.port, tls=True))
        assert "TALK_REDIS_TLS" in found or "cannot be reached" in found or "in time" in found


async def test_a_server_of_another_schema_is_told_and_not_touched() -> None:
    with valkey() as running:
        with running.client() as client:
            client.set(SCHEMA_KEY, "2")
        assert "schema 2" in await fault(running.address)
        server = RedisServer(running.address)
        store = RedisSessionStore(server, "a", ttl=60.0, answer_ttl=60.0)
        with pytest.raises(UnknownSchema):
            await store.append("s", Append(turn("one")), version=0)
        with running.client() as client:
            assert client.keys() == [SCHEMA_KEY.encode()]
        await server.close()


async def test_a_user_with_the_documented_rights_is_enough() -> None:
    page = (Path(__file__).parents[4] / "docs/reference/redis-keys.md").read_text("utf-8")
    (rule,) = [line.strip() for line in page.splitlines() if line.strip().startswith("ACL SETUSER")]
    with valkey() as running:
        with running.client() as client:
            client.execute_command(*rule.split())
        server = RedisServer(RedisAddress(path=running.socket, user="talk", password="secret"))
        store = RedisSessionStore(server, "a", ttl=60.0, answer_ttl=60.0)
        lock = RedisTurnLock(server, "a", wait=2.0)
        await store.check()
        state = {"own": 1, "user:b": 1, "app:c": 1}
        async with lock.hold("s") as fence:
            await store.append("s", Append(turn("1"), state, "t1", "k", Answer("f", "t1")), version=0, fence=fence)
        cut = (await store.load("s", 5, key="k")).answer
        await store.append("s", Append(turn("2"), state, "t2", "k", Answer("f", "t2"), cut), version=1)
        assert questions(await store.load("s", 5)) == ["2"]
        assert len(await store.sessions("s")) == 1
        assert await store.delete("s")
        await server.close()
