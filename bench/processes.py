"""The processes of a run: started, watched through /proc, and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 60.0
STOP_SECONDS = 15.0
_POLL_SECONDS = 0.005
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Child:
    """A server of this run. `started_seconds` is from its start to its first 200 on `/ready`."""

    name: str
    pid: int
    url: str
    started_seconds: float

    def cpu_seconds(self) -> float:
        """User and system time so far, of all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def resident_bytes(self) -> int:
        """RSS now."""
        return self._status("VmRSS")

    def peak_bytes(self) -> int:
        """The highest RSS so far."""
        return self._status("VmHWM")

    def open_files(self) -> int:
        """File descriptors: sockets, pipes, files."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))  # noqa: PTH208 - names alone, of what may be gone by now

    def _status(self, member: str) -> int:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{member}:"))


@contextmanager
def server(
    name: str,
    module: str,
    logs: Path,
    *,
    env: Mapping[str, str] | None = None,
    port: int = 0,
    arguments: Sequence[str] = (),
) -> Iterator[Child]:
    """`python -m module` while the block runs, from the moment its `/ready` says 200.

    The bench's own servers are told their port by `--port`, Talk's by TALK_PORT, others by `arguments`, which
    `port` then repeats. Output goes to a file in `logs`.
    """
    port = port or free_port()
    own = ["--port", str(port)] if module.startswith("bench.") else []
    environment = {**clean_environment(), "TALK_HOST": "127.0.0.1", "TALK_PORT": str(port), **(env or {})}
    with (logs / f"{name}.log").open("ab") as log:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", module, *own, *arguments],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _await_ready(process, f"{url}/ready", log.name)
            yield Child(name, process.pid, url, time.perf_counter() - begun)
        finally:
            _stop(process)


def clean_environment() -> dict[str, str]:
    """This process's environment without what would configure Talk, a provider or telemetry."""
    configures = ("TALK_", "OPENAI_", "OTEL_", "LITELLM_")
    return {name: value for name, value in os.environ.items() if not name.startswith(configures)}


def free_port() -> int:
    """A loopback port that nothing listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _await_ready(process: subprocess.Popen[bytes], url: str, log: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(url):
        if process.poll() is not None:
            raise SystemExit(f"{' '.join(map(str, process.args))} ended with {process.returncode}; see {log}")  # type: ignore[arg-type]
        if time.monotonic() > deadline:
            raise SystemExit(f"{url} is not ready after {READY_SECONDS:g} s; see {log}")
        time.sleep(_POLL_SECONDS)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
