"""One running process: started in a session of its own, read line by line, ended for certain."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from talk_cli.running.plan import ChildSpec

Command = Callable[[ChildSpec], Sequence[str]]
LineSink = Callable[[str, str], None]
LAUNCHER = Path(__file__).with_name("launcher.py")
LONGEST_LINE = 64 * 1024
# After its end a process may leave a pipe open that a child of its own holds.
LAST_WORDS_SECONDS = 1.0


def python_module(spec: ChildSpec) -> Sequence[str]:
    """The command of a service. `-P`: a file of the current folder must not pass for a library."""
    return [sys.executable, "-P", "-m", spec.module]


class Child:
    """A process that was started. `wait` must be awaited to its end by one task, which owns it."""

    def __init__(self, spec: ChildSpec, process: asyncio.subprocess.Process, sink: LineSink) -> None:
        self.spec = spec
        self._process = process
        self._reader = asyncio.create_task(self._read(sink), name=f"output of {spec.name}")

    @classmethod
    async def start(cls, spec: ChildSpec, command: Command, sink: LineSink) -> Child:
        """Raises OSError when the command cannot be started."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(LAUNCHER), str(os.getpid())),
            *command(spec),
            env=dict(spec.env),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        return cls(spec, process, sink)

    @property
    def pid(self) -> int:
        """The process; its group has the same number."""
        return self._process.pid

    async def wait(self) -> int:
        """Its exit code (negative: the signal), after its last lines were passed on. Cancelled, it kills."""
        try:
            code = await self._process.wait()
            await asyncio.wait([self._reader], timeout=LAST_WORDS_SECONDS)
            return code
        finally:
            self._reader.cancel()
            self._signal(signal.SIGKILL)  # also what it left behind in its group

    def terminate(self) -> None:
        """Asks it and all of its group to end."""
        if self._process.returncode is None:
            self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it and all of its group now."""
        if self._process.returncode is None:
            self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _read(self, sink: LineSink) -> None:
        stream = self._process.stdout
        assert stream is not None
        pending = b""
        while data := await stream.read(LONGEST_LINE):
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                sink(self.spec.name, line.decode("utf-8", "replace").rstrip("\r"))
            if len(pending) > LONGEST_LINE:
                sink(self.spec.name, pending.decode("utf-8", "replace"))
                pending = b""
        if pending:
            sink(self.spec.name, pending.decode("utf-8", "replace"))
