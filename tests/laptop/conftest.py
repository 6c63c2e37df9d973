"""`talk run` as a newcomer starts it: real processes, real offline models, and no network at all."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
# Loading takes about 3 s on two idle cores.
START_SECONDS = 120.0


@dataclass
class Laptop:
    """A running `talk run`: its printed lines, a client of its gateway, and one of its offline speech."""

    process: subprocess.Popen[str]
    client: httpx.Client
    local: httpx.Client
    lines: list[str] = field(default_factory=list)


@pytest.fixture(scope="session", autouse=True)
def no_network() -> None:
    """These tests prove that nothing is fetched, so they run where nothing can be."""
    names = [name for _, name in socket.if_nameindex()]
    if names != ["lo"]:
        pytest.fail(f"run these by `make laptop`, which cuts the network; this process sees {names}")


@pytest.fixture(scope="module")
def laptop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """Started once for a module."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    state = tmp_path_factory.mktemp("state")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("TALK_", "OPENAI_"))}
    # Short replies keep the tests short; what they say does not matter.
    environ |= {"TALK_PORT": str(port), "XDG_STATE_HOME": str(state), "TALK_LOCAL_LLM_TOKENS": "40"}
    process = subprocess.Popen(
        [sys.executable, "-m", "talk_cli", "run"],
        cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client, httpx.Client(timeout=120) as local:
        running = Laptop(process, client, local)
        reader = threading.Thread(target=_read, args=(running,), name="talk-run-output", daemon=True)
        reader.start()
        try:
            _wait_until_ready(running)
            yield running
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
                process.wait(30)
            reader.join(10)


def _read(running: Laptop) -> None:
    assert running.process.stdout is not None
    with running.process.stdout as output:
        for line in output:
            running.lines.append(line)


def _wait_until_ready(running: Laptop) -> None:
    end = time.monotonic() + START_SECONDS
    while not any("Talk is ready" in line for line in running.lines):
        if running.process.poll() is not None or time.monotonic() > end:
            pytest.fail("talk run did not get ready:\n" + "".join(running.lines[-40:]))
        time.sleep(0.05)
    announced = next(m for line in running.lines if (m := re.search(r"local on (http://\S+)", line)))
    running.local.base_url = httpx.URL(announced[1])
