"""Requests with an Idempotency-Key, on both stores, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from talk_kit.events import ReplyDelta, TurnCompleted, TurnFailed, TurnStarted
from talk_kit.sse import read_turn
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.valkey import Valkey, valkey
from tests.fakes.waiting import eventually
from tests.unit.talk_agent.conftest import Agent, ServeAgent
from tests.unit.talk_agent.test_turns import said_to_the_model

pytestmark = pytest.mark.loopback

KEY = {"Idempotency-Key": "5c1b3f9e-key"}


@pytest.fixture(scope="module")
def running() -> Iterator[Valkey]:
    with valkey() as server:
        yield server


@pytest.fixture(params=["memory", "redis"])
def sessions(request: pytest.FixtureRequest, running: Valkey) -> dict[str, Any]:
    """Settings that choose the store; each test has the server for itself."""
    if request.param == "memory":
        return {"session_wait": 0.3}
    with running.client() as client:
        client.flushall()
    return {"redis_url": running.address, "session_wait": 0.3}


async def ask(agent: Agent, message: str, session: str = "s1", headers: dict[str, str] | None = None) -> Any:
    return await agent.post({"message": message, "session_id": session}, headers=KEY if headers is None else headers)


async def test_a_finished_turn_is_answered_from_its_record(
    llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]
) -> None:
    llm.script(fake.reply("One."), fake.reply("Two."))
    async with serve_agent(llm.url, settings=sessions) as agent:
        first = await ask(agent, "Hello")
        again = await ask(agent, "Hello")

        assert first.status_code == again.status_code == 200
        assert again.json() == first.json()
        assert again.headers["x-session-id"] == "s1"
        assert len(llm.requests) == 1

        response = await agent.client.post(
            f"{agent.url}/v1/agents/assistant/chat",
            json={"message": "Hello", "session_id": "s1", "stream": True},
            headers=KEY,
        )
        events = [event async for event in read_turn(response.aiter_bytes())]
        assert isinstance(events[0], TurnStarted)
        assert events[1] == ReplyDelta("One.")
        assert isinstance(events[-1], TurnCompleted)
        assert events[-1].reply == "One."
        assert len(llm.requests) == 1

        await ask(agent, "Go on", headers={})
        assert said_to_the_model(llm) == [("user", "Hello"), ("assistant", "One."), ("user", "Go on")]


async def test_a_key_holds_for_its_session_only(
    llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]
) -> None:
    llm.script(fake.reply("One."), fake.reply("Two."), fake.reply("Three."))
    async with serve_agent(llm.url, settings=sessions) as agent:
        assert (await ask(agent, "Hello", "s1")).json()["reply"] == "One."
        assert (await ask(agent, "Hello", "s2")).json()["reply"] == "Two."
        assert (await ask(agent, "Hello", "s1", {"Idempotency-Key": "other"})).json()["reply"] == "Three."


async def test_another_message_under_the_same_key_is_422(
    llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]
) -> None:
    llm.script(fake.reply("One."), fake.reply("Two."))
    async with serve_agent(llm.url, settings=sessions) as agent:
        await ask(agent, "Hello")
        other = await ask(agent, "Goodbye")
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
        assert not other.json()["retryable"]
        assert (await ask(agent, "Hello")).json()["reply"] == "One."
        assert len(llm.requests) == 1


async def test_a_failure_is_not_kept(llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]) -> None:
    llm.script(fake.status(500), fake.status(500), fake.reply("Two."))
    async with serve_agent(llm.url, settings=sessions) as agent:
        assert (await ask(agent, "Hello")).status_code == 502
        assert (await ask(agent, "Hello")).json()["reply"] == "Two."
        assert said_to_the_model(llm) == [("user", "Hello")]
        await ask(agent, "Go on", headers={})
        assert [role for role, _ in said_to_the_model(llm)] == ["user", "assistant", "user"]


async def test_a_running_turn_is_waited_for(llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()))
    async with serve_agent(llm.url, settings={**sessions, "session_wait": 10.0}) as agent:
        first = asyncio.create_task(ask(agent, "Hello"))
        await llm.arrived.wait()
        second = asyncio.create_task(ask(agent, "Hello"))
        await eventually(lambda: len(agent.service.turns) == 2)
        gate.set()
        assert (await first).json() == (await second).json()
        assert len(llm.requests) == 1


async def test_a_turn_that_runs_for_too_long_is_409(
    llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]
) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()))
    async with serve_agent(llm.url, settings=sessions) as agent:
        first = asyncio.create_task(ask(agent, "Hello"))
        await llm.arrived.wait()
        second = await ask(agent, "Hello")
        assert (second.status_code, second.json()["code"]) == (409, "session_busy")
        assert second.headers["retry-after"]
        gate.set()
        assert (await first).json()["reply"] == "One."
        assert (await ask(agent, "Hello")).json()["reply"] == "One."


async def test_a_finished_turn_is_answered_while_another_runs(
    llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]
) -> None:
    gate = asyncio.Event()
    llm.script(fake.reply("One."), fake.streamed(fake.ROLE, fake.wait(gate), fake.text("Two."), *fake.end()))
    async with serve_agent(llm.url, settings=sessions) as agent:
        await ask(agent, "Hello")
        running = asyncio.create_task(ask(agent, "Go on", headers={}))
        await eventually(lambda: len(llm.requests) == 2)
        assert (await ask(agent, "Hello")).json()["reply"] == "One."
        gate.set()
        await running


async def test_a_cut_turn_is_tried_again_with_the_question_once(
    llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]
) -> None:
    llm.script(
        fake.reply("Zero."),
        fake.streamed(fake.ROLE, fake.text("Once upon "), fake.stall()),
        fake.reply("Between."),
        fake.reply("Once upon a time."),
    )
    async with serve_agent(llm.url, settings=sessions, limits={"runTimeout": "1s"}) as agent:
        await ask(agent, "Hello", headers={})
        cut = await ask(agent, "A story")
        assert cut.status_code == 504
        await ask(agent, "Go on", headers={})
        assert ("assistant", "Once upon ") in said_to_the_model(llm)

        again = await ask(agent, "A story")

        assert again.json()["reply"] == "Once upon a time."
        told = [("user", "Hello"), ("assistant", "Zero."), ("user", "Go on"), ("assistant", "Between.")]
        assert said_to_the_model(llm) == [*told, ("user", "A story")]
        assert (await ask(agent, "A story")).json()["reply"] == "Once upon a time."
        await ask(agent, "The end", headers={})
        assert said_to_the_model(llm) == [
            *told,
            ("user", "A story"),
            ("assistant", "Once upon a time."),
            ("user", "The end"),
        ]


async def test_a_turn_that_is_cut_again_leaves_its_latest_words(
    llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]
) -> None:
    llm.script(
        fake.streamed(fake.ROLE, fake.text("First "), fake.stall()),
        fake.streamed(fake.ROLE, fake.text("Second "), fake.stall()),
        fake.reply("Third."),
    )
    async with serve_agent(llm.url, settings=sessions, limits={"runTimeout": "1s"}) as agent:
        assert (await ask(agent, "A story")).status_code == 504
        events = await agent.stream("A story")  # without the key: a turn of its own
        assert isinstance(events[-1], TurnFailed)
        assert (await ask(agent, "A story")).json()["reply"] == "Third."
        assert said_to_the_model(llm) == [("user", "A story"), ("assistant", "Second "), ("user", "A story")]


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "\u00ad"])
async def test_a_key_that_cannot_be_used_is_400(llm: FakeLlm, serve_agent: ServeAgent, key: str) -> None:
    async with serve_agent(llm.url) as agent:
        headers: Any = [(b"Idempotency-Key", key.encode("latin-1"))]
        response = await agent.post({"message": "Hello"}, headers=headers)
        assert (response.status_code, response.json()["code"]) == (400, "invalid_request")
        assert llm.requests == []


async def test_two_keys_are_400(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        headers: Any = [("Idempotency-Key", "a"), ("Idempotency-Key", "b")]
        assert (await agent.post({"message": "Hello"}, headers=headers)).status_code == 400


async def test_a_key_may_have_255_signs(llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]) -> None:
    llm.script(fake.reply("One."), fake.reply("Two."))
    async with serve_agent(llm.url, settings=sessions) as agent:
        for _ in range(2):
            assert (await ask(agent, "Hello", headers={"Idempotency-Key": '"' * 255})).json()["reply"] == "One."


async def test_the_records_life_is_a_setting(llm: FakeLlm, serve_agent: ServeAgent, sessions: dict[str, Any]) -> None:
    llm.script(fake.reply("One."), fake.reply("Two."))
    async with serve_agent(llm.url, settings={**sessions, "idempotency_ttl": 0.05}) as agent:
        await ask(agent, "Hello")

        async def asked_again() -> bool:
            return bool((await ask(agent, "Hello")).json()["reply"] == "Two.")

        await eventually(asked_again)
