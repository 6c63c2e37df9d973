"""The process: how it starts, how it refuses to, how it ends."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from talk_kit.events import ReplyDelta, TurnCompleted, TurnEvent, TurnFailed
from talk_kit.sse import read_turn
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.processes import Room, room
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback

AGENT = """
apiVersion: talk.dwani.ai/v1alpha1
kind: TalkAgent
metadata: {name: assistant}
spec: {instruction: Hi}
"""


CHAT = "/v1/agents/assistant/chat"


async def started(**environ: str) -> Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TALK_", "OPENAI_"))}
    command = [sys.executable, "-m", "talk_agent"]
    return await asyncio.create_subprocess_exec(*command, env={**clean, **environ}, stdout=PIPE, stderr=PIPE)


@asynccontextmanager
async def running(tmp_path: Path, llm: FakeLlm, agent: str = AGENT, **environ: str) -> AsyncIterator[Room]:
    file = tmp_path / "agent.yaml"
    file.write_text(agent)
    settings = {"TALK_AGENT_FILE": str(file), "TALK_MODEL": "openai/m", "TALK_BASE_URL": llm.url, **environ}
    async with room("talk_agent", **settings) as process:
        yield process


@pytest.mark.parametrize(
    ("environ", "told"),
    [
        ({"TALK_AGENT_FILE": "/nowhere/agent.yaml"}, "/nowhere/agent.yaml"),
        ({"TALK_AGENT_FIEL": "x"}, "Did you mean TALK_AGENT_FILE?"),
        ({"TALK_PORT": "tcp://10.0.0.1:80"}, "TALK_PORT"),
    ],
)
async def test_settings_that_cannot_be_used_are_told_in_one_line_each(environ: dict[str, str], told: str) -> None:
    process = await started(**environ)
    _, errors = await process.communicate()

    assert process.returncode == 2
    assert told in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_a_signal_lets_the_running_reply_finish_and_then_new_turns_go_elsewhere(
    tmp_path: Path, llm: FakeLlm
) -> None:
    gate = asyncio.Event()
    async with (
        running(tmp_path, llm, TALK_ENDPOINT_DELAY_SECONDS="1") as agent,
        httpx.AsyncClient(base_url=agent.url, timeout=60) as client,
    ):

        async def says() -> httpx.Response:
            return await client.post(CHAT, json={"message": "Hello"})

        assert (await says()).headers.get("connection") is None
        llm.script(fake.streamed(fake.ROLE, fake.text("So far "), fake.wait(gate), fake.text("so good."), *fake.end()))
        events: list[TurnEvent] = []
        answers: list[httpx.Response] = []
        async with client.stream("POST", CHAT, json={"message": "Hello", "stream": True}) as response:
            async for event in read_turn(response.aiter_bytes()):
                events.append(event)
                if isinstance(event, ReplyDelta) and not gate.is_set():
                    agent.terminate()
                    await eventually(lambda: "draining" in agent.printed(), 30)
                    while not answers or answers[-1].status_code == 200:
                        answers.append(await says())
                    gate.set()
        await agent.ended()

    assert isinstance(events[-1], TurnCompleted)
    assert events[-1].reply == "So far so good."
    assert answers[-1].json()["code"] == "draining"
    assert answers[-1].headers["retry-after"] == "1"
    assert {answer.headers.get("connection") for answer in answers[1:]} == {"close"}


async def test_a_reply_that_outlives_the_drain_gets_its_closing_event(tmp_path: Path, llm: FakeLlm) -> None:
    llm.script(fake.streamed(fake.ROLE, fake.text("So far "), fake.stall()))
    brief = AGENT.replace("{instruction: Hi}", "{instruction: Hi, drainSeconds: 1}")
    async with running(tmp_path, llm, brief) as agent, httpx.AsyncClient(base_url=agent.url, timeout=60) as client:
        events = []
        async with client.stream("POST", CHAT, json={"message": "Hello", "stream": True}) as response:
            async for event in read_turn(response.aiter_bytes()):
                events.append(event)
                if isinstance(event, ReplyDelta):
                    agent.terminate()
        await agent.ended()

    assert isinstance(events[-1], TurnFailed)
    assert (events[-1].code, events[-1].retryable) == ("draining", True)
    assert llm.closed_early.is_set()
