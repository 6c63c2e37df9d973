"""What is kept of a session, and its end: by the agent's route, and by `talk sessions`."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.valkey import valkey
from tests.unit.talk_agent.conftest import ServeAgent
from tests.unit.talk_agent.test_turns import said_to_the_model

pytestmark = pytest.mark.loopback

KEY = {"Idempotency-Key": "k"}


async def test_a_session_is_exported_and_deleted(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.reply("One."), fake.reply("Two."))
    with valkey() as server:
        async with serve_agent(llm.url, settings={"redis_url": server.address}) as agent:
            where = f"{agent.url}/v1/agents/assistant/sessions/s1"
            assert (await agent.client.get(where)).status_code == 404
            assert (await agent.client.delete(where)).status_code == 404
            await agent.post({"message": "Hello", "session_id": "s1"}, headers=KEY)

            found = (await agent.client.get(where)).json()

            assert found["session_id"] == "s1"
            assert found["updated"] >= found["created"] > 1e9
            (turn,) = found["turns"]
            assert [event["content"]["parts"][0]["text"] for event in turn] == ["Hello", "One."]

            assert (await agent.client.delete(where)).status_code == 204
            assert (await agent.client.get(where)).status_code == 404
            with server.client() as client:
                assert client.keys("*s1*") == []
            await agent.post({"message": "Hello", "session_id": "s1"}, headers=KEY)
            assert said_to_the_model(llm) == [("user", "Hello")]


async def test_a_session_in_a_turn_is_not_deleted_under_it(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()))
    async with serve_agent(llm.url, settings={"session_wait": 0.1}) as agent:
        turn = asyncio.create_task(agent.say("Hello"))
        await llm.arrived.wait()
        refused = await agent.client.delete(f"{agent.url}/v1/agents/assistant/sessions/s1")
        assert refused.status_code == 409
        gate.set()
        assert (await turn).status_code == 200
        assert (await agent.client.delete(f"{agent.url}/v1/agents/assistant/sessions/s1")).status_code == 204


@pytest.mark.parametrize(
    ("path", "status"), [("other/sessions/s1", 404), ("assistant/sessions/%07", 400), ("assistant/sessions", 404)]
)
async def test_other_paths_show_nothing(llm: FakeLlm, serve_agent: ServeAgent, path: str, status: int) -> None:
    async with serve_agent(llm.url) as agent:
        assert (await agent.client.get(f"{agent.url}/v1/agents/{path}")).status_code == status


def talk_sessions(*arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith("TALK_")}
    command = [sys.executable, "-m", "talk_cli", "sessions", *arguments]
    return subprocess.run(command, env={**own, **environ}, capture_output=True, text=True, timeout=50)


async def test_the_command_lists_shows_exports_and_deletes(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.reply("One."), fake.reply("Two."))
    with valkey() as server:

        async def ran(*arguments: str) -> Any:
            return await asyncio.to_thread(talk_sessions, "assistant", *arguments, TALK_REDIS_URL=server.url)

        async with serve_agent(llm.url, settings={"redis_url": server.address}) as agent:
            await agent.say("Hello", "s1")
            await agent.say("Goodbye", "s2")
        lines = (await ran("list")).stdout.splitlines()
        assert [line.split()[-1] for line in lines] == ["s1", "s2"]
        assert (await ran("show", "s1")).stdout == "you: Hello\nassistant: One.\n"
        assert json.loads((await ran("export", "s2")).stdout)["session_id"] == "s2"
        assert (await ran("delete", "s1")).returncode == 0
        again = await ran("delete", "s1")
        assert (again.returncode, again.stderr.splitlines()[-1]) == (
            1,
            "talk sessions: No conversation is kept under this session id.",
        )
        assert len((await ran("list")).stdout.splitlines()) == 1


async def test_agents_of_one_name_in_two_namespaces_share_a_redis_and_no_session(
    llm: FakeLlm, serve_agent: ServeAgent
) -> None:
    llm.script(fake.reply("One."), fake.reply("Two."))
    with valkey() as server:
        for namespace, message in (("", "Hello"), ("team", "Goodbye")):
            settings = {"redis_url": server.address, "agent_namespace": namespace}
            async with serve_agent(llm.url, settings=settings) as agent:
                assert (await agent.say(message, "s1")).status_code == 200
            assert said_to_the_model(llm) == [("user", message)]
        shown = [
            await asyncio.to_thread(talk_sessions, "assistant", "show", "s1", TALK_REDIS_URL=server.url, **more)
            for more in ({}, {"TALK_AGENT_NAMESPACE": "team"})
        ]
    assert [each.stdout for each in shown] == ["you: Hello\nassistant: One.\n", "you: Goodbye\nassistant: Two.\n"]


def test_without_talk_run_the_command_opens_its_folder_itself(tmp_path: Path) -> None:
    for _ in range(2):
        done = talk_sessions("assistant", "show", "s1", TALK_STATE_DIR=str(tmp_path))
        assert "No conversation is kept" in done.stderr
        assert done.returncode == 1


def test_a_redis_that_is_away_is_told() -> None:
    done = talk_sessions("assistant", "list", TALK_REDIS_URL="unix:///nowhere/s")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "talk sessions: Redis at /nowhere/s cannot be reached.\n"
