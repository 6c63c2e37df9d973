"""The pages' cheap commands are run as they stand."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from talk_gateway.agents_client import TurnRequest, agent_turn
from talk_gateway.app import create_app
from talk_gateway.deps import build_deps
from talk_gateway.directory import Agent, Pods
from talk_gateway.settings import read
from talk_kit.breaker import BreakerLimits
from talk_kit.errors import TalkError
from talk_kit.events import TurnCompleted, TurnEvent
from talk_kit.http_client import HttpPool
from tests.docs.pages import ROOT, Command, all_commands, all_files, page
from tests.fakes.agent import FakeAgent
from tests.fakes.serving import serve, serve_all
from tests.fakes.speech import speech_wav
from tests.fakes.speech_providers import FakeSpeech

pytestmark = pytest.mark.loopback

GATEWAY = "localhost:8080"
AGENTS = ("assistant", "viva-examiner", "librarian")


def runs(command: Command) -> bool:
    program = Path(command.words[0]).name
    return (
        program == "curl"
        or (program == "talk" and command.words[1] in ("validate", "version"))
        or "-m" in command.words
    )


@asynccontextmanager
async def gateway() -> AsyncIterator[str]:
    """A gateway with the agents of the pages; its host and port."""
    agents, speech = [FakeAgent() for _ in AGENTS], FakeSpeech()
    async with serve_all(speech.app(), *(each.app() for each in agents)) as (speech_url, *urls):
        settings = read(
            {
                "TALK_AGENTS": ",".join(f"{name}={url}" for name, url in zip(AGENTS, urls, strict=True)),
                "TALK_ASR_BASE_URL": f"{speech_url}/v1",
                "TALK_TTS_BASE_URL": f"{speech_url}/v1",
            }
        )
        async with serve(create_app(settings, build_deps(settings))) as url:
            yield url.removeprefix("http://")


async def run(words: list[str], folder: Path) -> tuple[int, str]:
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", "NO_PROXY": "*"}
    process = await asyncio.create_subprocess_exec(
        *words, cwd=folder, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(40):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(errors="replace")


@pytest.mark.parametrize("command", [c for c in all_commands() if runs(c)], ids=lambda command: command.where)
async def test_the_command_does_what_the_page_says(command: Command, tmp_path: Path) -> None:
    for name, text in all_files().items():
        (tmp_path / name).write_text(text)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "question.wav").write_bytes(speech_wav(1.0))
    words = list(command.words)
    async with gateway() as address:
        words = [word.replace(GATEWAY, address) for word in words]
        if words[0] == "curl":
            words[1:1] = ["--silent", "--show-error", "--fail-with-body", "--max-time", "30"]
        else:
            words[:1] = [sys.executable, "-m", "talk_cli"]
            words += ["--url", f"http://{address}"] if "chat" in words else []
        code, out = await run(words, tmp_path)
    assert code == 0, out
    for name in command.options("-o"):
        assert name in ("json", "text") or (tmp_path / name).stat().st_size > 1000


# The program is asked many times before it listens.
PATIENT = BreakerLimits(failures=1_000_000, calls=1_000_000)


async def test_the_program_of_the_page_on_images_is_an_agent(tmp_path: Path) -> None:
    files = page(ROOT / "docs/how-to/bring-your-own-image.md").files
    assert set(files) == {"parrot.py", "Dockerfile"}
    assert "COPY parrot.py" in files["Dockerfile"]
    (tmp_path / "parrot.py").write_text(files["parrot.py"])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "parrot.py", cwd=tmp_path, env={**os.environ, "TALK_PORT": str(port)},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(30), HttpPool() as pool:
            for address in ("127.0.0.1", "[::1]"):
                agent = Agent("parrot", Pods([f"http://{address}:{port}"], limits=PATIENT))
                ending = (await _turn(pool, agent))[-1]
                assert isinstance(ending, TurnCompleted)
                assert ending.reply == "Good morning "
            ready = await pool.request("GET", f"http://127.0.0.1:{port}/ready")
            assert ready.status_code == 200
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 10) in (0, -signal.SIGTERM)


async def _turn(pool: HttpPool, agent: Agent) -> list[TurnEvent]:
    """Asks until the program listens; the caller bounds it."""
    while True:
        try:
            async with aclosing(agent_turn(pool, agent, TurnRequest("s", "Good morning"))) as events:
                return [event async for event in events]
        except TalkError as error:
            if error.code != "agent_not_ready":
                raise
            await asyncio.sleep(0.05)
