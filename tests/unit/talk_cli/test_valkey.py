"""The server that keeps a laptop's conversations."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from talk_cli.running import valkey
from talk_cli.running.child import python_module
from talk_cli.running.launches import LaunchRefused
from talk_cli.running.plan import ChildSpec
from talk_cli.running.readiness import Readiness
from talk_cli.running.valkey import Embedded, embedded, find_binary, options, probe_with, state_dir
from talk_cli.settings import Settings
from tests.unit.talk_cli.test_run_command import case, talk_run

pytestmark = pytest.mark.loopback


def test_the_state_folder_is_the_users(tmp_path: Path) -> None:
    assert state_dir(str(tmp_path), {"XDG_STATE_HOME": "/x"}) == tmp_path
    assert state_dir(None, {"XDG_STATE_HOME": "/x"}) == Path("/x/talk")
    for environ in ({}, {"XDG_STATE_HOME": ""}, {"XDG_STATE_HOME": "relative"}):
        assert state_dir(None, environ) == Path.home() / ".local/state/talk"
    assert state_dir("~/here", {}) == Path.home() / "here"
    assert state_dir("here", {}).is_absolute()


@contextmanager
def running(server: Embedded, environ: Mapping[str, str] = os.environ) -> Iterator[redis.Redis]:
    """The server as `talk run` starts it, killed at the end."""
    spec = server.spec(environ)
    process = subprocess.Popen(python_module(spec), env=dict(spec.env))
    try:
        with redis.Redis.from_url(server.url) as client:
            until = time.monotonic() + 20
            while True:
                try:
                    client.ping()
                    break
                except redis.exceptions.ConnectionError:
                    assert process.poll() is None
                    assert time.monotonic() < until
                    time.sleep(0.01)
            yield client
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(10)


def made(state: Path) -> Embedded:
    server = embedded(state)
    assert server is not None
    return server


@pytest.mark.parametrize("name", ["state", "a b#?%ü", "long" * 50])
def test_what_was_acknowledged_outlives_a_kill(tmp_path: Path, name: str) -> None:
    state = tmp_path / name
    for number in range(3):
        server = made(state)
        assert len(os.fsencode(server.socket)) <= 100
        with running(server) as client:
            assert client.incr("count") == number + 1
            assert client.config_get("appendfsync") == {"appendfsync": "always"}
            assert client.config_get("port") == {"port": "0"}
            assert server.socket.stat().st_mode & 0o077 == 0
            assert server.folder.stat().st_mode & 0o077 == 0
    if server.socket.parent != server.folder:
        shutil.rmtree(server.socket.parent)


def test_a_second_one_is_told_who_has_the_folder(tmp_path: Path) -> None:
    server = made(tmp_path)
    with running(server) as client:
        pid = client.info("server")["process_id"]
        with pytest.raises(LaunchRefused, match=rf"process {pid}.*TALK_STATE_DIR"):
            embedded(tmp_path)
        again = server.spec(os.environ)
        ended = subprocess.run(python_module(again), env=dict(again.env), capture_output=True, text=True, timeout=20)
        assert ended.returncode == 2
        assert "is taken" in ended.stderr
        assert client.ping()
    assert made(tmp_path) == server


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(LaunchRefused, match="TALK_STATE_DIR"):
        embedded(file)


def test_a_short_folder_that_is_somebody_elses_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = tmp_path / ("long" * 50)
    short = made(state).socket.parent
    try:
        short.chmod(0o755)
        with pytest.raises(LaunchRefused):
            embedded(state)
    finally:
        short.rmdir()


def test_without_a_program_there_is_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from talk_cli.run_command import session_server

    monkeypatch.setattr(valkey, "find_binary", lambda: None)
    assert embedded(tmp_path) is None
    assert session_server(Settings(state_dir=str(tmp_path)), {}) is None
    assert "kept in memory" in capsys.readouterr().err


@pytest.mark.parametrize("environ", [{"redis_url": "redis://h"}, {"redis_host": "h"}])
def test_a_configured_redis_takes_its_place(tmp_path: Path, environ: dict[str, str]) -> None:
    from talk_cli.run_command import session_server

    assert session_server(Settings(state_dir=str(tmp_path), **environ), {}) is None  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("version", "found"), [("7.2.4", True), ("6.2.14", False), ("nonsense", False)])
def test_a_redis_on_path_must_be_recent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str, found: bool
) -> None:
    program = tmp_path / "redis-server"
    program.write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=0'\n")
    program.chmod(0o755)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_binary() == (str(program) if found else None)


async def test_it_is_asked_by_its_socket(tmp_path: Path) -> None:
    asked: list[str] = []

    async def others(spec: ChildSpec) -> Readiness:
        asked.append(spec.name)
        return Readiness(True)

    probe, server = probe_with(others), made(tmp_path)
    spec = server.spec({})
    assert not (await probe(spec)).ready
    with running(server):
        assert (await probe(spec)).ready
    assert not (await probe(spec)).ready
    await probe(ChildSpec("gateway", "talk_gateway", 1))
    assert asked == ["gateway"]


def test_its_environment_holds_no_secret_of_talk(tmp_path: Path) -> None:
    env = made(tmp_path).spec({"TALK_API_KEY": "sk", "PATH": "/bin"}).env
    assert env == {"PATH": "/bin", "TALK_STATE_DIR": str(tmp_path)}
    assert "--appendonly" in options(made(tmp_path))


async def test_talk_run_gives_it_to_the_agents_and_ends_it_last(tmp_path: Path) -> None:
    async with talk_run(case("T11"), FAKE="env", TALK_STATE_DIR=str(tmp_path)) as run:
        await run.until("Talk is ready")
        agents = [event for event in run.events if "TALK_AGENT_NAME" in event]
        assert {event["TALK_REDIS_URL"] for event in agents} == {f"unix://{tmp_path}/valkey/valkey.sock"}
        with pytest.raises(LaunchRefused, match="Another `talk run`"):
            embedded(tmp_path)
        run.process.send_signal(signal.SIGINT)
        assert await run.ended() == 0
    assert embedded(tmp_path) is not None


async def test_a_second_talk_run_in_the_same_folder_says_so(tmp_path: Path) -> None:
    async with talk_run(case("T11"), TALK_STATE_DIR=str(tmp_path)) as run:
        await run.until("Talk is ready")
        async with talk_run(case("T11"), TALK_STATE_DIR=str(tmp_path)) as second:
            assert await second.ended() == 1
            assert any("Another `talk run`" in line for line in second.lines)
        run.process.kill()
        await run.process.wait()
    if sys.platform == "linux":
        assert embedded(tmp_path) is not None
