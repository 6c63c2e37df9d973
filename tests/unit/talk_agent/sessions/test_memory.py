from __future__ import annotations

import pytest
from google.adk.events.event import Event
from google.genai import types

from talk_agent.sessions.memory import MemorySessionStore
from talk_agent.sessions.port import Append, Turn
from talk_kit.errors import SessionBusy


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def turn(question: str, answer: str = "yes") -> Turn:
    def event(author: str, text: str) -> Event:
        return Event(author=author, content=types.Content(role=author, parts=[types.Part(text=text)]))

    return (event("user", question), event("model", answer))


def store(clock: Clock, *, ttl: float = 60.0, max_sessions: int = 3, kept_turns: int = 5) -> MemorySessionStore:
    return MemorySessionStore(ttl=ttl, max_sessions=max_sessions, kept_turns=kept_turns, clock=clock)


async def test_an_unknown_session_is_empty() -> None:
    loaded = await store(Clock()).load("a", 10)

    assert (loaded.turns, loaded.state, loaded.version) == ((), {}, 0)


async def test_turns_come_back_whole_and_in_order() -> None:
    sessions = store(Clock())
    one, two = turn("one"), turn("two")
    await sessions.append("a", Append(one, {"city": "Pune"}), version=0)
    await sessions.append("a", Append(two, {"day": 2}), version=1)

    loaded = await sessions.load("a", 10)

    assert loaded.turns == (one, two)
    assert loaded.events == [*one, *two]
    assert loaded.state == {"city": "Pune", "day": 2}
    assert loaded.version == 2


async def test_only_recent_turns_are_loaded_and_none_is_parted() -> None:
    sessions = store(Clock())
    turns = [turn(str(number)) for number in range(4)]
    for version, each in enumerate(turns):
        await sessions.append("a", Append(each), version=version)

    assert (await sessions.load("a", 2)).turns == tuple(turns[2:])
    assert (await sessions.load("a", 0)).turns == ()


async def test_old_turns_are_let_go() -> None:
    sessions = store(Clock(), kept_turns=2)
    for version in range(5):
        await sessions.append("a", Append(turn(str(version))), version=version)

    assert len((await sessions.load("a", 100)).turns) == 2


async def test_a_turn_that_was_begun_before_another_ended_is_not_stored() -> None:
    sessions = store(Clock())
    await sessions.append("a", Append(turn("one")), version=0)

    with pytest.raises(SessionBusy):
        await sessions.append("a", Append(turn("two")), version=0)

    assert len((await sessions.load("a", 10)).turns) == 1


async def test_a_session_ends_a_while_after_its_last_turn() -> None:
    clock = Clock()
    sessions = store(clock, ttl=60.0)
    await sessions.append("a", Append(turn("one")), version=0)
    clock.now += 59.0
    await sessions.append("a", Append(turn("two")), version=1)
    clock.now += 59.0
    assert len((await sessions.load("a", 10)).turns) == 2

    clock.now += 1.0

    assert (await sessions.load("a", 10)).turns == ()
    assert sessions.count() == 0


async def test_the_session_unused_for_longest_goes_first() -> None:
    clock = Clock()
    sessions = store(clock, max_sessions=2)
    for session_id, version in (("a", 0), ("b", 0), ("a", 1), ("c", 0)):
        clock.now += 1.0
        await sessions.append(session_id, Append(turn("?")), version=version)

    assert sessions.count() == 2
    assert (await sessions.load("b", 10)).turns == ()
    assert len((await sessions.load("a", 10)).turns) == 2


async def test_a_turn_whose_session_ended_meanwhile_is_stored() -> None:
    clock = Clock()
    sessions = store(clock)
    await sessions.append("a", Append(turn("one")), version=0)
    clock.now += 100.0

    assert await sessions.append("a", Append(turn("two")), version=1) == 2
    assert len((await sessions.load("a", 10)).turns) == 1


async def test_what_was_loaded_is_a_copy() -> None:
    sessions = store(Clock())
    await sessions.append("a", Append(turn("one"), {"n": 1}), version=0)
    loaded = await sessions.load("a", 10)
    await sessions.append("a", Append(turn("two"), {"n": 2}), version=1)

    assert (len(loaded.turns), loaded.state) == (1, {"n": 1})
