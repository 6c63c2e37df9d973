"""What both stores do, and what only Redis' does."""

from __future__ import annotations

from dataclasses import replace

import pytest

from talk_agent.sessions.adk_service import RedisSessionService
from talk_agent.sessions.idempotency import Answer
from talk_agent.sessions.keys import agent_keys, session_keys
from talk_agent.sessions.memory import MemorySessionStore
from talk_agent.sessions.port import Append, SessionStore
from talk_agent.sessions.redis_errors import UnknownSchema
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_kit.errors import SessionBusy
from talk_kit.events import TurnCompleted
from talk_kit.redis_address import RedisAddress
from tests.fakes.waiting import eventually
from tests.unit.talk_agent.sessions.talking import questions, texts, tool_turn, turn

DONE = TurnCompleted("yes", "stop", {"input_tokens": 3}, {"total": 0.5})


@pytest.fixture(params=["redis", "memory"])
def either(request: pytest.FixtureRequest, store: RedisSessionStore) -> SessionStore:
    memory = MemorySessionStore(ttl=3600.0, max_sessions=100, kept_turns=100)
    return memory if request.param == "memory" else store


async def test_an_unknown_session_is_empty(either: SessionStore) -> None:
    loaded = await either.load("a", 10, key="k")
    assert (loaded.turns, loaded.state, loaded.version, loaded.answer) == ((), {}, 0, None)


async def test_turns_come_back_whole_and_in_order(either: SessionStore) -> None:
    one, two = turn("one"), tool_turn("two")
    assert await either.append("a", Append(one, {"city": "Pune"}), version=0) == 1
    assert await either.append("a", Append(two, {"day": 2, "temp:x": 1}), version=1) == 2

    loaded = await either.load("a", 10)

    assert loaded.turns == (one, two)
    assert (loaded.state, loaded.version) == ({"city": "Pune", "day": 2}, 2)
    assert (await either.load("b", 10)).turns == ()


async def test_only_recent_turns_are_loaded_and_no_call_is_parted_from_its_result(either: SessionStore) -> None:
    for version in range(6):
        await either.append("a", Append(tool_turn(str(version))), version=version)
    for recent in range(8):
        loaded = await either.load("a", recent)
        assert questions(loaded) == [str(number) for number in range(6)][max(0, 6 - recent) :]
        assert all(len(each) == 4 for each in loaded.turns)


async def test_a_turn_that_was_begun_before_another_ended_is_not_stored(either: SessionStore) -> None:
    await either.append("a", Append(turn("one")), version=0)
    with pytest.raises(SessionBusy):
        await either.append("a", Append(turn("two"), {"x": 1}, key="k", answer=Answer("f", "t", DONE)), version=0)
    loaded = await either.load("a", 10, key="k")
    assert (questions(loaded), loaded.state, loaded.answer) == (["one"], {}, None)


async def test_the_same_append_again_stores_once(either: SessionStore) -> None:
    append = Append(turn("one"), id="t1")
    assert await either.append("a", append, version=0) == 1
    assert await either.append("a", append, version=0) == 1
    assert questions(await either.load("a", 10)) == ["one"]


async def test_state_of_the_app_is_everybodys(either: SessionStore) -> None:
    await either.append("a", Append(turn("one"), {"app:color": "red", "user:name": "Asha", "own": 1}), version=0)
    assert (await either.load("a", 1)).state == {"app:color": "red", "user:name": "Asha", "own": 1}
    assert (await either.load("b", 1)).state == {"app:color": "red"}


async def test_an_answer_is_kept_for_its_key_and_session(either: SessionStore) -> None:
    answer = Answer("f", "t1", DONE)
    await either.append("a", Append(turn("one"), id="t1", key="k", answer=answer), version=0)
    found = (await either.load("a", 0, key="k")).answer
    assert found is not None
    assert replace(found, place="") == answer
    assert (await either.load("a", 0, key="other")).answer is None
    assert (await either.load("b", 0, key="k")).answer is None
    assert (await either.load("a", 0)).answer is None


async def test_a_retry_takes_the_place_of_the_cut_turn(either: SessionStore) -> None:
    await either.append("a", Append(turn("zero")), version=0)
    cut = Append(turn("one", "on"), id="t1", key="k", answer=Answer("f", "t1"))
    await either.append("a", cut, version=1)
    assert texts(await either.load("a", 10)) == ["zero", "yes", "one", "on"]
    await either.append("a", Append(turn("two"), id="t2"), version=2)

    loaded = await either.load("a", 2, key="k")
    assert loaded.answer is not None
    assert loaded.answer.cut
    assert texts(loaded) == ["zero", "yes", "two", "yes"]

    again = Append(turn("one", "once"), id="t3", key="k", answer=Answer("f", "t3", DONE), replaces=loaded.answer)
    await either.append("a", again, version=3)
    assert texts(await either.load("a", 10)) == ["zero", "yes", "two", "yes", "one", "once"]
    assert texts(await either.load("a", 2)) == ["two", "yes", "one", "once"]
    assert texts(await either.load("a", 3)) == ["zero", "yes", "two", "yes", "one", "once"]
    found = (await either.load("a", 0, key="k")).answer
    assert found is not None
    assert found.completed == DONE


async def test_a_deleted_session_leaves_nothing(either: SessionStore) -> None:
    append = Append(turn("one"), {"user:name": "Asha"}, id="t", key="k", answer=Answer("f", "t", DONE))
    await either.append("a", append, version=0)
    assert [each.id for each in await either.sessions("a")] == ["a"]

    assert await either.delete("a")

    loaded = await either.load("a", 10, key="k")
    assert (loaded.turns, loaded.state, loaded.version, loaded.answer) == ((), {}, 0, None)
    assert list(await either.sessions("a")) == []
    assert not await either.delete("a")


async def test_sessions_are_counted(either: SessionStore) -> None:
    for name in ("a", "b"):
        await either.append(name, Append(turn("one")), version=0)
    await either.check()
    assert either.count() == 2


async def test_a_turn_whose_session_ended_meanwhile_is_stored(either: SessionStore) -> None:
    assert await either.append("a", Append(turn("two")), version=7) == 8
    assert (await either.load("a", 10)).version == 8


# Redis alone


async def everything(server: RedisServer, agent: str) -> dict[str, int]:
    """Every key of an agent, and its time to live in ms; a test may scan, the product never does."""
    keys: list[bytes] = []
    cursor: bytes = b"0"
    while True:
        cursor, found = (await server.run(("SCAN", cursor, "MATCH", f"talk:1:{{{agent}*", "COUNT", 1000)))[0]
        keys += found
        if cursor == b"0":
            break
    lives = await server.run(*[("PTTL", key) for key in sorted(set(keys))]) if keys else []
    return {key.decode(): life for key, life in zip(sorted(set(keys)), lives, strict=True)}


async def test_every_key_has_its_schema_its_tag_and_an_end(
    store: RedisSessionStore, whole: RedisServer, agent: str
) -> None:
    append = Append(turn("one"), {"user:n": 1, "app:c": 1, "own": 1}, id="t", key="k", answer=Answer("f", "t", DONE))
    await store.append("s1", append, version=0)

    found = await everything(whole, agent)

    own = f"talk:1:{{{agent}/s1}}"
    session = {f"{own}:session:=", f"{own}:events:=", f"{own}:user", f"{own}:sessions"}
    answers = {f"{own}:answers:=", f"{own}:answer-ends:="}
    assert set(found) == session | answers | {f"talk:1:{{{agent}}}:app", f"talk:1:{{{agent}}}:users"}
    assert all(3_590_000 < found[key] <= 3_600_000 for key in session)
    assert all(86_390_000 < found[key] <= 86_400_000 for key in answers)
    assert found[f"talk:1:{{{agent}}}:app"] == -1


async def test_a_turn_refreshes_the_time_to_live(server: RedisServer, whole: RedisServer, agent: str) -> None:
    store = RedisSessionStore(server, agent, ttl=100.0, answer_ttl=10.0)
    await store.append("a", Append(turn("one")), version=0)
    keys = session_keys(agent, "a", "a")
    await whole.run(*[("PEXPIRE", key, 5000) for key in (keys.meta, keys.events, keys.index)])
    await store.append("a", Append(turn("two")), version=1)
    lives = await whole.run(*[("PTTL", key) for key in (keys.meta, keys.events, keys.index)])
    assert min(lives) > 90_000


async def test_a_session_ends_and_is_no_longer_counted(server: RedisServer, whole: RedisServer, agent: str) -> None:
    store = RedisSessionStore(server, agent, ttl=0.05, answer_ttl=0.05)
    append = Append(turn("one"), id="t", key="k", answer=Answer("f", "t", DONE))
    await store.append("a", append, version=0)

    async def ended() -> bool:
        return not await everything(whole, agent)

    await eventually(ended)
    assert (await store.load("a", 10, key="k")).answer is None


async def test_an_answer_ends_though_others_of_the_session_live_on(
    server: RedisServer, whole: RedisServer, agent: str
) -> None:
    short = RedisSessionStore(server, agent, ttl=100.0, answer_ttl=0.05)
    long = RedisSessionStore(server, agent, ttl=100.0, answer_ttl=100.0)
    await short.append("a", Append(turn("one"), id="1", key="k1", answer=Answer("f", "1", DONE)), version=0)
    await long.append("a", Append(turn("two"), id="2", key="k2", answer=Answer("f", "2", DONE)), version=1)

    async def ended() -> bool:
        return (await long.load("a", 0, key="k1")).answer is None

    await eventually(ended)
    await long.append("a", Append(turn("three"), id="3", key="k3", answer=Answer("f", "3", DONE)), version=2)
    assert (await long.load("a", 0, key="k2")).answer
    assert (await whole.run(("HLEN", session_keys(agent, "a", "a").answers)))[0] == 2


async def test_single_events_are_grouped_into_turns(
    store: RedisSessionStore, adk: RedisSessionService, agent: str
) -> None:
    session = await adk.create_session(app_name=agent, user_id="a", session_id="a")
    for number in range(4):
        for event in tool_turn(str(number)):
            await adk.append_event(session, event)
    for recent in range(6):
        loaded = await store.load("a", recent)
        assert questions(loaded) == ["0", "1", "2", "3"][max(0, 4 - recent) :]
        assert all(len(each) == 4 for each in loaded.turns)


async def test_only_the_tail_is_read(store: RedisSessionStore, whole: RedisServer, agent: str) -> None:
    keys = session_keys(agent, "a", "a")
    await store.append("a", Append(turn("one")), version=0)
    element = (await whole.run(("LINDEX", keys.events, 0)))[0]

    async def read(stored: int) -> int:
        have = (await whole.run(("LLEN", keys.events)))[0]
        await whole.run(*[("RPUSH", keys.events, element)] * (stored - have))
        before = (await whole.run(("INFO", "stats")))[0]
        await store.load("a", 5)
        after = (await whole.run(("INFO", "stats")))[0]
        return _sent(after) - _sent(before)

    few = await read(10)
    assert abs(await read(3000) - few) < few * 0.2


def _sent(info: bytes) -> int:
    facts = dict(line.split(":", 1) for line in info.decode().splitlines() if ":" in line)
    return int(facts["total_net_output_bytes"])


async def test_a_session_of_another_schema_is_refused_and_not_touched(
    store: RedisSessionStore, adk: RedisSessionService, whole: RedisServer, agent: str
) -> None:
    await store.append("a", Append(turn("one")), version=0)
    keys = session_keys(agent, "a", "a")
    await whole.run(("HSET", keys.meta, "schema", "2"))
    before = await whole.run(("DUMP", keys.meta), ("DUMP", keys.events), ("DUMP", keys.index))

    for refused in (
        store.load("a", 10),
        store.append("a", Append(turn("two"), {"x": 1, "app:y": 2}), version=1),
        store.delete("a"),
        adk.get_session(app_name=agent, user_id="a", session_id="a"),
        adk.create_session(app_name=agent, user_id="a", session_id="a"),
    ):
        with pytest.raises(UnknownSchema, match="schema 2"):
            await refused

    assert await whole.run(("DUMP", keys.meta), ("DUMP", keys.events), ("DUMP", keys.index)) == before
    assert (await whole.run(("EXISTS", agent_keys(agent).app)))[0] == 0


async def test_a_lost_lease_writes_nothing(store: RedisSessionStore, whole: RedisServer, agent: str) -> None:
    keys = session_keys(agent, "a", "a")
    await whole.run(("SET", keys.lease, "theirs"))
    for fence in ("ours", "theirs2"):
        with pytest.raises(SessionBusy):
            await store.append("a", Append(turn("one")), version=0, fence=fence)
        with pytest.raises(SessionBusy):
            await store.delete("a", fence=fence)
    assert await store.append("a", Append(turn("one")), version=0, fence="theirs") == 1


async def test_values_of_all_kinds_come_back(store: RedisSessionStore, address: RedisAddress) -> None:
    state = {"int": 2**80, "float": 0.1, "none": None, "text": "ü\u2028😀\x00", "deep": {"a": [1, {"b": []}]}, "": 1}
    await store.append("a", Append(turn("one\x00\u2028"), state), version=0)
    loaded = await store.load("a", 1)
    assert loaded.state == state
    assert questions(loaded) == ["one\x00\u2028"]
