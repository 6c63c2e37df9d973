"""The supervisor with real processes: tiny services in place of Talk's own."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from talk_cli.running.child import Child
from talk_cli.running.console import Console
from talk_cli.running.plan import ChildSpec
from talk_cli.running.readiness import http_probe
from talk_cli.running.restart import RestartPolicy
from talk_cli.running.supervisor import Supervisor
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback

FAKE = Path(__file__).with_name("fake_service.py")
READY = "Talk is ready: http://localhost:1"
FAST = RestartPolicy(first=0.05, most=0.2, stable=30, tries=3)
BOUND = 20.0


def fake_command(_: ChildSpec) -> Sequence[str]:
    return [sys.executable, "-S", str(FAKE)]


def service(name: str, fake: str = "") -> ChildSpec:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return ChildSpec(name, "fake", port, env={"TALK_PORT": str(port), "FAKE": fake, "PYTHONUNBUFFERED": "1"})


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


class Running:
    """A supervisor at work, and what it wrote."""

    def __init__(self, supervisor: Supervisor, output: io.StringIO, run: asyncio.Task[int]) -> None:
        self.supervisor, self.output, self.run = supervisor, output, run

    async def ready(self) -> None:
        async with asyncio.timeout(BOUND):
            await self.supervisor.wait_until_ready()

    async def stopped(self) -> int:
        self.supervisor.stop()
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(BOUND):
            return await self.run

    @property
    def text(self) -> str:
        return self.output.getvalue()


@asynccontextmanager
async def supervised(*specs: ChildSpec, stop_seconds: float = 5.0) -> AsyncIterator[Running]:
    output = io.StringIO()
    console = Console(output, {}, [spec.name for spec in specs])
    async with httpx.AsyncClient(trust_env=False) as client:
        supervisor = Supervisor(specs, console, http_probe(client), READY, fake_command, FAST, stop_seconds)
        run = asyncio.create_task(supervisor.run(), name="supervisor")
        try:
            yield Running(supervisor, output, run)
        finally:
            supervisor.stop()
            supervisor.stop()
            await asyncio.wait([run], timeout=BOUND)


async def test_says_once_that_all_are_ready_and_ends_all_when_stopped() -> None:
    async with supervised(service("local", "late"), service("a"), service("gateway")) as running:
        await running.ready()
        pids = running.supervisor.pids()
        assert set(pids) == {"local", "a", "gateway"}
        assert await running.stopped() == 0
        assert not any(alive(pid) for pid in pids.values())
    assert running.text.count(READY) == 1
    assert "waiting for local" in running.text


async def test_a_killed_process_is_started_again_and_is_ready_again() -> None:
    async with supervised(service("a"), service("gateway")) as running:
        await running.ready()
        before = running.supervisor.pids()
        os.kill(before["a"], signal.SIGKILL)
        await eventually(lambda: "a is ready again" in running.text, BOUND)
        after = running.supervisor.pids()
    assert after["a"] != before["a"]
    assert after["gateway"] == before["gateway"]
    assert "a ended (SIGKILL); it starts again in 0.05 s" in running.text


async def test_a_process_that_ignores_the_request_to_end_is_killed_within_the_bound() -> None:
    async with supervised(service("deaf", "deaf"), service("gateway"), stop_seconds=0.2) as running:
        await running.ready()
        pids = running.supervisor.pids()
        assert await running.stopped() == 0
        assert not any(alive(pid) for pid in pids.values())
    assert "deaf did not end; it is killed" in running.text


async def test_a_second_request_does_not_wait() -> None:
    async with supervised(service("deaf", "deaf"), stop_seconds=600) as running:
        await running.ready()
        running.supervisor.stop()
        assert await running.stopped() == 0


async def test_processes_that_a_child_started_end_with_it() -> None:
    async with supervised(service("a", "orphan")) as running:
        await running.ready()
        (line,) = [line for line in running.text.splitlines() if '"orphan"' in line]
        orphan = int(line.rsplit(":", 1)[1].strip(" }"))
        assert alive(orphan)
        await running.stopped()
        await eventually(lambda: not alive(orphan), BOUND)


async def test_one_that_never_starts_ends_the_start_with_its_last_words() -> None:
    async with supervised(service("a"), service("broken", "crash")) as running:
        assert await running.ended() == 1
    assert running.text.count("no luck today") == FAST.tries
    assert "broken does not start (exit code 3)" in running.text
    assert READY not in running.text


async def test_settings_that_cannot_be_used_are_not_tried_again() -> None:
    async with supervised(service("broken", "settings")) as running:
        assert await running.ended() == 1
    assert running.text.count("Did you mean TALK_PORT?") == 1


async def test_a_command_that_is_not_there_ends_the_start() -> None:
    output = io.StringIO()
    async with httpx.AsyncClient(trust_env=False) as client:
        console = Console(output, {}, ["a"])
        probe = http_probe(client)
        supervisor = Supervisor([service("a")], console, probe, READY, lambda _: ["/nowhere/at-all"], FAST)
        async with asyncio.timeout(BOUND):
            assert await supervisor.run() == 1
    assert "a does not start" in output.getvalue()


async def test_stop_before_anything_is_ready_ends_all() -> None:
    async with supervised(service("a"), service("b")) as running:
        await eventually(lambda: len(running.supervisor.pids()) == 2, BOUND)
        pids = running.supervisor.pids()
        await running.stopped()
        assert not any(alive(pid) for pid in pids.values())


async def test_long_and_broken_lines_pass() -> None:
    lines: list[str] = []
    script = "import sys; sys.stdout.buffer.write(b'x' * 200_000 + b'\\n\\xff\\r\\nlast')"
    child = await Child.start(
        service("a"), lambda _: [sys.executable, "-c", script], lambda _, line: lines.append(line)
    )
    async with asyncio.timeout(BOUND):
        assert await child.wait() == 0
    assert "".join(lines) == "x" * 200_000 + "\ufffd" + "last"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal at a parent's death is Linux's")
async def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, sys, time\n"
        "from talk_cli.running.child import Child\n"
        "from talk_cli.running.plan import ChildSpec\n"
        "async def main():\n"
        "    code = 'import time; time.sleep(600)'\n"
        "    command = lambda _: [sys.executable, '-c', code]\n"
        "    child = await Child.start(ChildSpec('a', 'a', 1), command, print)\n"
        "    print(child.pid, flush=True)\n"
        "    await child.wait()\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, str(script), stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    async with asyncio.timeout(BOUND):
        pid = int(await parent.stdout.readline())
        assert alive(pid)
        parent.kill()
        await parent.wait()
    await eventually(lambda: not alive(pid), BOUND)
