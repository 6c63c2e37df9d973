"""The process: how it starts, how it refuses to, how it ends."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from talk_kit.events import ReplyDelta, TurnCompleted
from talk_kit.sse import read_turn
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback

AGENT = """
apiVersion: talk.dwani.ai/v1alpha1
kind: TalkAgent
metadata: {name: assistant}
spec: {instruction: Hi}
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


async def started(**environ: str) -> Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("TALK_", "OPENAI_"))}
    command = [sys.executable, "-m", "talk_agent"]
    return await asyncio.create_subprocess_exec(*command, env={**clean, **environ}, stdout=PIPE, stderr=PIPE)


@asynccontextmanager
async def running(tmp_path: Path, llm: FakeLlm) -> AsyncIterator[tuple[Process, str]]:
    file = tmp_path / "agent.yaml"
    file.write_text(AGENT)
    port = free_port()
    environ = {"TALK_AGENT_FILE": str(file), "TALK_HOST": "127.0.0.1", "TALK_PORT": str(port)}
    process = await started(**environ, TALK_MODEL="openai/m", TALK_BASE_URL=llm.url)
    url = f"http://127.0.0.1:{port}"
    try:
        async with httpx.AsyncClient() as client:

            async def ready() -> bool:
                assert process.returncode is None, (await process.communicate())[1].decode()
                try:
                    return (await client.get(f"{url}/ready")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready, 40.0)
        yield process, url
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


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


async def test_a_signal_lets_the_running_reply_finish(tmp_path: Path, llm: FakeLlm) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.text("So far "), fake.wait(gate), fake.text("so good."), *fake.end()))
    async with running(tmp_path, llm) as (process, url), httpx.AsyncClient() as client:
        events = []
        body = {"message": "Hello", "stream": True}
        async with client.stream("POST", f"{url}/v1/agents/assistant/chat", json=body) as response:
            async for event in read_turn(response.aiter_bytes()):
                events.append(event)
                if isinstance(event, ReplyDelta) and not gate.is_set():
                    process.send_signal(signal.SIGTERM)
                    gate.set()
        await asyncio.wait_for(process.wait(), 10)

    assert isinstance(events[-1], TurnCompleted)
    assert events[-1].reply == "So far so good."
