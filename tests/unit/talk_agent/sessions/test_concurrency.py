"""Many writers, and writers that die between any two bytes: nothing is lost silently, nothing is half-written."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import pytest
from google.adk.errors._stale_session_error import StaleSessionError
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions

from talk_agent.sessions.adk_service import RedisSessionService
from talk_agent.sessions.idempotency import Answer
from talk_agent.sessions.port import Append
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_kit.errors import SessionBusy, Unavailable
from talk_kit.events import TurnCompleted
from talk_kit.redis_address import RedisAddress
from tests.fakes.redis_proxy import Proxy
from tests.fakes.valkey import Valkey
from tests.unit.talk_agent.sessions.talking import questions, tool_turn, turn

WRITERS = 20


def changing(**state: Any) -> Event:
    return Event(author="user", actions=EventActions(state_delta=state))


async def test_parallel_appends_of_one_session_object_are_all_kept(adk: RedisSessionService, agent: str) -> None:
    session = await adk.create_session(app_name=agent, user_id="u", session_id="s")
    events = [changing(**{f"k{number}": number, f"user:k{number}": number}) for number in range(WRITERS)]
    await asyncio.gather(*(adk.append_event(session, event) for event in events))
    read = await adk.get_session(app_name=agent, user_id="u", session_id="s")
    assert read is not None
    assert sorted(event.id for event in read.events) == sorted(event.id for event in events)
    assert read == session
    assert len(read.state) == 2 * WRITERS
    assert adk._writers == {}


async def test_parallel_appends_of_many_handles_are_kept_or_refused(address: RedisAddress, agent: str) -> None:
    servers = [RedisServer(address) for _ in range(WRITERS)]
    handles = [RedisSessionService(server) for server in servers]
    await handles[0].create_session(app_name=agent, user_id="u", session_id="s")

    async def write(number: int) -> str:
        while True:
            session = await handles[number].get_session(app_name=agent, user_id="u", session_id="s")
            assert session is not None
            try:
                return (await handles[number].append_event(session, changing(**{f"k{number}": number}))).id
            except StaleSessionError:
                continue

    written = await asyncio.gather(*(write(number) for number in range(WRITERS)))
    read = await handles[0].get_session(app_name=agent, user_id="u", session_id="s")
    assert read is not None
    assert sorted(event.id for event in read.events) == sorted(written)
    assert read.state == {f"k{number}": number for number in range(WRITERS)}
    await asyncio.gather(*(server.close() for server in servers))


async def test_parallel_writers_of_user_and_app_state_lose_no_key(address: RedisAddress, agent: str) -> None:
    servers = [RedisServer(address) for _ in range(WRITERS)]

    async def write(number: int) -> None:
        own = RedisSessionService(servers[number])
        session = await own.create_session(app_name=agent, user_id="u", state={f"user:made{number}": number})
        await own.append_event(session, changing(**{f"user:k{number}": number, f"app:k{number}": number}))

    await asyncio.gather(*(write(number) for number in range(WRITERS)))
    reader = RedisSessionService(servers[0])
    state = await reader.get_user_state(app_name=agent, user_id="u")
    assert state == {f"{kind}{number}": number for number in range(WRITERS) for kind in ("k", "made")}
    listed = await reader.list_sessions(app_name=agent, user_id="u")
    assert len(listed.sessions) == WRITERS
    assert {name for name in listed.sessions[0].state if name.startswith("app:")} == {
        f"app:k{number}" for number in range(WRITERS)
    }
    await asyncio.gather(*(server.close() for server in servers))


async def test_of_parallel_turns_at_one_version_one_is_stored(store: RedisSessionStore) -> None:
    outcomes = await asyncio.gather(
        *(store.append("s", Append(turn(str(number))), version=0) for number in range(WRITERS)), return_exceptions=True
    )
    assert sum(outcome == 1 for outcome in outcomes) == 1
    assert sum(isinstance(outcome, SessionBusy) for outcome in outcomes) == WRITERS - 1
    assert len((await store.load("s", 50)).turns) == 1


@pytest.mark.loopback
@pytest.mark.parametrize("direction", ["cut_after", "cut_answers_after"])
async def test_a_writer_cut_off_at_any_byte_has_written_all_or_nothing(
    shared_valkey: Valkey, own_store: RedisSessionStore, agent: str, direction: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after each of so many bytes, and the writer dies with it: it does not try again."""
    monkeypatch.setattr("talk_agent.sessions.redis_store.APPEND_SECONDS", -1.0)
    done = TurnCompleted("found")
    stored = 0
    sizes = [*range(0, 400, 23), *range(400, 20_000, 487)] if direction == "cut_after" else [*range(0, 80, 3), 8_000]
    for number, size in enumerate(sizes):
        name = f"{direction}{number}"
        async with Proxy(shared_valkey.socket) as proxy:
            setattr(proxy, direction, size)
            server = RedisServer(RedisAddress(host="127.0.0.1", port=proxy.port), timeout=2.0)
            writer = RedisSessionStore(server, agent, ttl=60.0, answer_ttl=60.0)
            append = Append(tool_turn("q" * 2_000), {"x": 1, "user:y": 2}, name, "k", Answer("f", name, done))
            acknowledged = False
            with suppress(Unavailable):
                acknowledged = await writer.append(name, append, version=0) == 1
            await server.close()
        read = await own_store.load(name, 5, key="k")
        whole = (len(read.events), dict(read.state), read.version, bool(read.answer))
        assert whole in ((4, {"x": 1, "user:y": 2}, 1, True), (0, {}, 0, False))
        assert not acknowledged or read.version == 1
        stored += read.version
    assert stored > 0
    if direction == "cut_after":
        assert stored < len(sizes)


@pytest.mark.loopback
async def test_a_writer_whose_answers_are_cut_stores_each_turn_once(
    shared_valkey: Valkey, own_store: RedisSessionStore, agent: str
) -> None:
    """It cannot know whether it was heard, and asks again."""
    async with Proxy(shared_valkey.socket) as proxy:
        server = RedisServer(RedisAddress(host="127.0.0.1", port=proxy.port))
        writer = RedisSessionStore(server, agent, ttl=60.0, answer_ttl=60.0)

        async def cutting() -> None:
            while True:
                await asyncio.sleep(0.004)
                proxy.cut()

        cutter = asyncio.create_task(cutting())
        for version in range(30):
            assert (
                await writer.append("s", Append(turn(str(version)), id=f"t{version}"), version=version) == version + 1
            )
        cutter.cancel()
        await asyncio.gather(cutter, return_exceptions=True)
        await server.close()
    assert questions(await own_store.load("s", 50)) == [str(number) for number in range(30)]
