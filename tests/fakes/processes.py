"""A room as the process that it is: signals, exit codes and sockets are the real ones."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import IO

import httpx

from tests.fakes.valkey import free_port
from tests.fakes.waiting import eventually

# A start takes 2 s alone, and much longer beside other tests.
READY_SECONDS = 90.0


@dataclass(frozen=True)
class Room:
    """A process that serves on `url`."""

    process: Process
    url: str
    _log: IO[bytes]

    def terminate(self) -> None:
        """What Kubernetes and Ctrl-C do first."""
        self.process.send_signal(signal.SIGTERM)

    async def ended(self, seconds: float = 30.0) -> int:
        """The exit code, as soon as there is one."""
        return await asyncio.wait_for(self.process.wait(), seconds)

    def printed(self) -> str:
        """All that it has printed so far."""
        self._log.seek(0)
        return self._log.read().decode()


@asynccontextmanager
async def room(module: str, **environ: str) -> AsyncIterator[Room]:
    """`python -m MODULE` on a free loopback port, ready; killed at the end if it still runs."""
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TALK_", "OPENAI_"))}
    own = {**inherited, "TALK_HOST": "127.0.0.1", "TALK_PORT": str(port), **environ}
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, env=own, stdout=log, stderr=log)
        running = Room(process, f"http://127.0.0.1:{port}", log)
        try:
            await _until_ready(running)
            yield running
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def _until_ready(running: Room) -> None:
    async with httpx.AsyncClient() as client:

        async def ready() -> bool:
            assert running.process.returncode is None, running.printed()
            try:
                return (await client.get(f"{running.url}/ready")).status_code == 200
            except httpx.TransportError:
                return False

        await eventually(ready, READY_SECONDS)
