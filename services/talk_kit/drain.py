"""An orderly end: first no new clients, then no new turns, then no turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from talk_kit.disconnect import cancel_and_wait
from talk_kit.health import Health
from talk_kit.logs import get_logger

log = get_logger(__name__)


class Turns(Protocol):
    """The turns of a process."""

    def __len__(self) -> int:
        """Those under way."""

    async def finish(self, seconds: float) -> None:
        """Refuses new turns as draining. Returns when none runs: what still does after `seconds` is ended."""


class Drain:
    """`begin` makes the process not ready at once. Turns are accepted for `delay` seconds more, then refused as
    draining; `seconds` later those that still run end with `turn.failed`, retryable. Then it is `over`. A process
    without turns, that is without `of`, is over at once: its requests are the server's to wait for.
    """

    def __init__(self, health: Health, *, delay: float = 0.0, seconds: float = 0.0) -> None:
        self._health = health
        self._delay = delay
        self._seconds = seconds
        self._begun = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.refusing = False
        self.over = False

    def begin(self) -> None:
        """Called by a signal handler: it only sets what the loop looks at."""
        self._health.draining = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begun.set)
        else:
            self.refusing = self.over = True  # nothing runs that could be finished

    @asynccontextmanager
    async def of(self, turns: Turns) -> AsyncIterator[None]:
        """Within the block a signal drains `turns`; at its end none is left, signal or not."""
        self._loop = asyncio.get_running_loop()
        waiting = asyncio.create_task(self._drain(turns), name="drain")
        try:
            yield
        finally:
            await cancel_and_wait(waiting)
            await turns.finish(0.0)

    async def _drain(self, turns: Turns) -> None:
        await self._begun.wait()
        log.info("draining", running=len(turns), delay=self._delay, seconds=self._seconds)
        try:
            await asyncio.sleep(self._delay)
            self.refusing = True
            await turns.finish(self._seconds)
        finally:
            self.refusing = self.over = True
