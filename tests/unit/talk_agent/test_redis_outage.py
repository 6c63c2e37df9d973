"""An agent whose Redis is away: it stays alive, says so, and goes on by itself."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.valkey import Valkey, valkey
from tests.fakes.waiting import eventually
from tests.unit.talk_agent.conftest import Agent, ServeAgent
from tests.unit.talk_agent.test_turns import said_to_the_model

pytestmark = pytest.mark.loopback

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")


async def ready(agent: Agent) -> tuple[int, str]:
    """Its status, and what it says of sessions."""
    answer = await agent.client.get(f"{agent.url}/ready")
    return answer.status_code, next(c["message"] for c in answer.json()["checks"] if c["name"] == "sessions")


def on(server: Valkey) -> dict[str, Any]:
    return {"redis_url": server.address, "session_wait": 1.0}


@pytest.fixture(autouse=True)
def looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("talk_agent.readiness.SESSIONS_INTERVAL", 0.05)


async def test_turns_are_503_until_redis_is_back(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.reply("One."), fake.reply("Two."))
    with valkey(*DURABLE) as server:
        async with serve_agent(llm.url, settings=on(server)) as agent:
            assert (await agent.say("first")).status_code == 200
            server.kill()
            refused = await agent.say("second")
            assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
            assert refused.headers["retry-after"]

            async def seen(status: int) -> bool:
                return (await ready(agent))[0] == status

            await eventually(lambda: seen(503))
            assert "cannot be reached" in (await ready(agent))[1]
            assert (await agent.client.get(f"{agent.url}/healthz")).status_code == 200
            assert len(llm.requests) == 1

            await asyncio.to_thread(server.start)
            await eventually(lambda: seen(200))
            assert (await agent.say("third")).json()["reply"] == "Two."
            assert said_to_the_model(llm) == [("user", "first"), ("assistant", "One."), ("user", "third")]


async def test_a_turn_that_ends_while_redis_restarts_is_stored(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()), fake.reply("Two."))
    with valkey(*DURABLE) as server:
        async with serve_agent(llm.url, settings=on(server)) as agent:
            first = asyncio.create_task(agent.say("first"))
            await llm.arrived.wait()
            server.kill()
            gate.set()
            await asyncio.to_thread(server.start)
            assert (await first).json()["reply"] == "One."
            await agent.say("second")
            assert said_to_the_model(llm) == [("user", "first"), ("assistant", "One."), ("user", "second")]


async def test_without_required_sessions_turns_go_on_without_history(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(*(fake.reply(text) for text in ("One.", "Two.", "Three.")))
    with valkey(*DURABLE) as server:
        async with serve_agent(llm.url, settings=on(server), session={"required": False}) as agent:
            assert (await agent.say("first")).json()["reply"] == "One."
            server.kill()
            assert (await agent.say("second")).json()["reply"] == "Two."
            assert said_to_the_model(llm) == [("user", "second")]
            assert (await ready(agent))[0] == 200

            await asyncio.to_thread(server.start)

            async def remembered() -> bool:
                llm.script(fake.reply("Three."))
                await agent.say("third")
                return ("user", "first") in said_to_the_model(llm)

            await eventually(remembered, 10.0)
            assert ("user", "second") not in said_to_the_model(llm)


async def test_two_agents_share_their_sessions(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()), fake.reply("Two."))
    with valkey() as server:
        shared = {**on(server), "session_wait": 10.0}
        async with serve_agent(llm.url, settings=shared) as one, serve_agent(llm.url, settings=shared) as two:
            first = asyncio.create_task(one.say("first"))
            await llm.arrived.wait()
            second = asyncio.create_task(two.say("second"))
            await eventually(lambda: len(two.service.turns) == 1)
            assert len(llm.requests) == 1
            gate.set()
            assert (await first).json()["reply"] == "One."
            assert (await second).json()["reply"] == "Two."
            assert said_to_the_model(llm) == [("user", "first"), ("assistant", "One."), ("user", "second")]


async def test_who_waits_too_long_for_another_agent_is_409(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()))
    with valkey() as server:
        shared = {**on(server), "session_wait": 0.2}
        async with serve_agent(llm.url, settings=shared) as one, serve_agent(llm.url, settings=shared) as two:
            first = asyncio.create_task(one.say("first"))
            await llm.arrived.wait()
            refused = await two.say("second")
            assert (refused.status_code, refused.json()["code"]) == (409, "session_busy")
            assert refused.headers["retry-after"]
            gate.set()
            assert (await first).status_code == 200
