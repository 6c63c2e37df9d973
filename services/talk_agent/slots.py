"""How many turns run at once, how many more may wait, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from talk_kit import deadline
from talk_kit.errors import RateLimited

# Long enough for a burst to pass, short enough that a caller who could be answered elsewhere is sent there (seconds).
WAIT_SECONDS = 2.0


class Slots:
    """A bound on turns that run, and on those that wait.

    `size` turns run. A quarter as many, and at least one, may wait for a slot, in order of arrival and for `wait`
    seconds. Turns that wait for their session count as present only, of which there are twice `size` at most, so that
    waiting turns cost bounded memory. Past any bound it is RateLimited. A slot is never waited for without an end:
    agents that ask one another may all wait for each other's slots.
    """

    def __init__(self, size: int, *, wait: float = WAIT_SECONDS) -> None:
        self.size = size
        self.present = 0
        self.waiting = 0
        self.taken = 0
        self._wait = wait
        self._free = asyncio.Semaphore(size)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Present within the block, whatever the turn waits for."""
        if self.present >= 2 * self.size:
            raise self._refusal()
        self.present += 1
        try:
            yield
        finally:
            self.present -= 1

    @asynccontextmanager
    async def take(self) -> AsyncIterator[None]:
        """One slot for the block."""
        if self._free.locked():
            await self._line_up()
        else:
            await self._free.acquire()
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
            self._free.release()

    async def _line_up(self) -> None:
        if self.waiting >= max(1, self.size // 4):
            raise self._refusal()
        self.waiting += 1
        try:
            async with asyncio.timeout(deadline.bounded(self._wait)):
                await self._free.acquire()
        except TimeoutError:
            raise self._refusal() from None
        finally:
            self.waiting -= 1

    def _refusal(self) -> RateLimited:
        return RateLimited(f"This agent already runs {self.size} turns at once. Try again soon.")
