"""An orderly end: first no new clients, then no new turns, then no turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from talk_agent.turn import Turns
from talk_kit.disconnect import cancel_and_wait
from talk_kit.health import Health
from talk_kit.logs import get_logger

log = get_logger(__name__)


class Drain:
    """`begin` makes the process not ready at once. Turns are accepted for `delay` seconds more, then refused as
    draining; `seconds` later those that still run end with `turn.failed`, retryable.
    """

    def __init__(self, health: Health, *, delay: float, seconds: float) -> None:
        self._health = health
        self._delay = delay
        self._seconds = seconds
        self._begun = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self) -> None:
        """Called by a signal handler: it only sets what the loop looks at."""
        self._health.draining = True
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._begun.set)

    @asynccontextmanager
    async def over(self, turns: Turns) -> AsyncIterator[None]:
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
        await asyncio.sleep(self._delay)
        await turns.finish(self._seconds)
