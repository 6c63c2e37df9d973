"""`talk run` as a process of its own, with tiny services in place of Talk's."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from talk_cli.__main__ import main
from talk_cli.running.valkey import _locked
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback

FAKE = Path(__file__).with_name("fake_service.py")
CASES = Path(__file__).parents[2] / "cases" / "talkagents"
BOUND = 20.0
DRIVER = f"""
import sys
import talk_cli.run_command as command
real = command.python_module
fake = lambda spec: real(spec) if spec.last else [sys.executable, "-S", {str(FAKE)!r}]
inner = command.supervise
command.supervise = lambda specs, settings, environ: inner(specs, settings, environ, fake)
from talk_cli.__main__ import main
sys.exit(main(["run", *sys.argv[1:]]))
"""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def case(number: str) -> str:
    (file,) = CASES.glob(f"{number}-*.yaml")
    return str(file)


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


class TalkRun:
    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process, self.port, self.lines = process, port, list[str]()

    async def until(self, words: str) -> None:
        assert self.process.stdout is not None
        async with asyncio.timeout(BOUND):
            while not any(words in line for line in self.lines):
                line = await self.process.stdout.readline()
                assert line, "\n".join(self.lines)
                self.lines.append(line.decode().rstrip())

    async def ended(self) -> int:
        assert self.process.stdout is not None
        async with asyncio.timeout(BOUND):
            self.lines += (await self.process.stdout.read()).decode().splitlines()
            return await self.process.wait()

    @property
    def events(self) -> list[dict[str, object]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    @property
    def pids(self) -> list[int]:
        return [int(str(event["pid"])) for event in self.events if event.get("message") == "started"]


@asynccontextmanager
async def talk_run(*sources: str, **environ: str) -> AsyncIterator[TalkRun]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="talk-state-") as state:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", DRIVER, *sources),
            env={"PATH": os.environ["PATH"], "TALK_PORT": str(port), "TALK_STATE_DIR": state, **environ},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            yield TalkRun(process, port)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()
            await eventually(lambda: not (Path(state, "valkey").is_dir() and taken(Path(state, "valkey"))), BOUND)


def taken(folder: Path) -> bool:
    """Whether a server still has it."""
    lock = _locked(folder)
    if lock is not None:
        os.close(lock)
    return lock is None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_one_signal_ends_all(number: signal.Signals) -> None:
    async with talk_run(case("T11")) as run:
        await run.until(f"Talk is ready: http://localhost:{run.port}")
        assert len(run.pids) == 4  # local, two agents, gateway
        run.process.send_signal(number)
        assert await run.ended() == 0
        assert not any(alive(pid) for pid in run.pids)


async def test_a_killed_child_comes_back_and_a_killed_parent_leaves_none() -> None:
    async with talk_run(case("T11")) as run:
        await run.until("Talk is ready")
        os.kill(run.pids[1], signal.SIGKILL)
        await run.until("is ready again")
        assert len(run.pids) == 5
        run.process.kill()
        await run.process.wait()
        if sys.platform == "linux":
            await eventually(lambda: not any(alive(pid) for pid in run.pids), BOUND)


async def test_each_child_gets_what_it_needs_of_the_environment() -> None:
    async with talk_run(
        case("T39"), FAKE="env", TALK_ASR_API_KEY="sk-asr", TALK_API_KEY="sk-model", TALK_MODEL="x"
    ) as run:
        await run.until("Talk is ready")
        told = [event for event in run.events if "TALK_PORT" in event]
        run.process.send_signal(signal.SIGINT)
        await run.ended()
    (agent,) = [env for env in told if "TALK_AGENT_NAME" in env]
    (gateway,) = [env for env in told if "TALK_AGENTS" in env]
    assert agent["TALK_SECRET_KEY_WITH_NEWLINE_APIKEY"] == "sk-test-1234567890"
    assert "TALK_ASR_API_KEY" not in agent
    assert "TALK_API_KEY" not in gateway
    assert gateway["TALK_ASR_API_KEY"] == "sk-asr"
    assert len({env["TALK_LOG_HASH_KEY"] for env in told}) == 1
    assert agent["TALK_LOG_HASH_KEY"]


def test_a_taken_port_is_told_before_anything_starts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("TALK_PORT", str(port))
        assert main(["run", case("T01")]) == 1
    err = capsys.readouterr().err
    assert f"Port {port} is taken" in err
    if sys.platform == "linux":
        assert f"process {os.getpid()}" in err


@pytest.mark.parametrize("number", ["T01", "T02", "T03", "T05", "T12", "T36", "T38", "T51"])
async def test_files_that_are_right_start_their_agent(number: str) -> None:
    """T11 and T39, with more in one file, are above."""
    async with talk_run(case(number)) as run:
        await run.until("Talk is ready")
        assert len(run.pids) == 3  # local, the agent, gateway
        run.process.send_signal(signal.SIGINT)
        assert await run.ended() == 0


WRONG = ["T08", "T15", "T17", "T18", "T19", "T20", "T23", "T27", "T29", "T30", "T34", "T44", "T45"]


@pytest.mark.parametrize("number", WRONG)
def test_files_that_are_wrong_start_nothing(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", case(number)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert case(number) in captured.err
    assert "Traceback" not in captured.err


@pytest.mark.parametrize(
    ("environ", "code", "words"),
    [
        ({"TALK_PORTT": "1"}, 2, "Did you mean TALK_PORT?"),
        ({"TALK_PORT": "http"}, 2, "TALK_PORT"),
        ({"TALK_DEFAULT_AGENT": "nobody"}, 1, "the agents are: first, second"),
    ],
)
def test_settings_that_cannot_be_used_are_told(
    environ: dict[str, str],
    code: int,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["run", case("T11")]) == code
    assert words in capsys.readouterr().err


def test_a_provider_without_a_model_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TALK_BASE_URL", "http://127.0.0.1:9/v1")
    assert main(["run", str(Path(__file__).parents[3] / "examples")]) == 1
    assert "TALK_MODEL is not set" in capsys.readouterr().err
