"""The end of an agent: nobody is cut off who can still be answered."""

from __future__ import annotations

import asyncio

import pytest

from talk_kit.events import ReplyDelta, TurnCompleted, TurnFailed
from talk_kit.sse import read_turn
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.waiting import eventually
from tests.unit.talk_agent.conftest import Agent, ServeAgent

pytestmark = pytest.mark.loopback


async def is_ready(agent: Agent) -> bool:
    return (await agent.client.get(agent.url + "/ready")).status_code == 200


async def test_a_draining_agent_is_not_ready_at_once_and_still_answers_for_a_while(
    llm: FakeLlm, serve_agent: ServeAgent
) -> None:
    async with serve_agent(llm.url, settings={"endpoint_delay": 60.0}) as agent:
        await eventually(lambda: is_ready(agent))
        agent.service.drain.begin()
        assert not await is_ready(agent)
        assert (await agent.client.get(agent.url + "/healthz")).status_code == 200

        response = await agent.say("Hello")
        streamed = await agent.post({"message": "Hello", "stream": True})

    assert response.status_code == streamed.status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_after_that_a_new_turn_is_refused_as_draining(
    llm: FakeLlm, serve_agent: ServeAgent, stream: bool
) -> None:
    async with serve_agent(llm.url) as agent:
        agent.service.drain.begin()
        await eventually(lambda: agent.service.turns._closed)
        response = await agent.post({"message": "Hello", "stream": stream})

    assert (response.status_code, response.json()["code"]) == (503, "draining")
    assert response.headers["retry-after"]
    assert not llm.requests


async def test_a_running_turn_finishes(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("Done."), *fake.end()))
    async with serve_agent(llm.url) as agent:
        turn = asyncio.create_task(agent.stream("Hello"))
        await llm.arrived.wait()
        agent.service.drain.begin()
        await eventually(lambda: agent.service.turns._closed)
        gate.set()
        events = await turn

    assert isinstance(events[-1], TurnCompleted)


async def test_a_turn_that_cannot_finish_ends_with_an_event(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.streamed(fake.ROLE, fake.text("So far "), fake.stall()))
    async with serve_agent(llm.url, drainSeconds=1) as agent:
        events = []
        async with agent.streaming("Hello") as response:
            async for event in read_turn(response.aiter_bytes()):
                events.append(event)
                if isinstance(event, ReplyDelta):
                    agent.service.drain.begin()
        stored = await agent.service.turns._engine.store.load("s1", 10)

    failed = events[-1]
    assert isinstance(failed, TurnFailed)
    assert (failed.code, failed.retryable) == ("draining", True)
    assert llm.closed_early.is_set()
    assert [event.content.parts[0].text for event in stored.events if event.content and event.content.parts] == [
        "Hello",
        "So far ",
    ]


async def test_turns_that_wait_for_their_session_are_told_too(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.streamed(fake.ROLE, fake.stall()))
    async with serve_agent(llm.url, drainSeconds=1) as agent:
        first, second = (asyncio.create_task(agent.say(message)) for message in ("one", "two"))
        await eventually(lambda: len(agent.service.turns) == 2)
        agent.service.drain.begin()
        answers = await asyncio.gather(first, second)

    assert {(answer.status_code, answer.json()["code"]) for answer in answers} == {(503, "draining")}
