"""One queue of TalkAgents: each key is worked on by one worker at a time, and once for many events."""

from __future__ import annotations

import asyncio
import heapq
import random
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from talk_kit.logs import get_logger
from talk_operator import metrics

log = get_logger(__name__)
K = TypeVar("K")

# Seconds. Events come in bursts: a short wait makes one reconciliation of them.
SETTLE = 0.05
FIRST_RETRY, LAST_RETRY = 0.5, 60.0


class Schedule(Generic[K]):
    """When each key is due: pure, the time is passed in. A key that is worked on waits until that is done."""

    def __init__(self) -> None:
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._count = 0
        self._working: set[K] = set()
        self._again: dict[K, float] = {}
        self._failures: dict[K, int] = {}

    def __len__(self) -> int:
        return len(self._due) + len(self._again)

    def add(self, key: K, at: float) -> None:
        """Makes a key due at a time, or earlier if it was."""
        if key in self._working:
            self._again[key] = min(at, self._again.get(key, at))
        elif at < self._due.get(key, float("inf")):
            self._due[key] = at
            self._count += 1
            heapq.heappush(self._heap, (at, self._count, key))

    def take(self, now: float) -> K | None:
        """A key that is due; it is the caller's until `done`."""
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            if self._due.get(key) == at:
                del self._due[key]
                self._working.add(key)
                return key
        return None

    def done(self, key: K, *, failed: bool) -> int:
        """Gives a key back. The number of failures in a row."""
        self._working.discard(key)
        self._failures[key] = self._failures.get(key, 0) + 1 if failed else 0
        count = self._failures[key]
        if not failed:
            del self._failures[key]
        if key in self._again:
            self.add(key, self._again.pop(key))
        return count

    def next_at(self) -> float | None:
        """When the next key is due; None when none is."""
        while self._heap and self._due.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None


def retry_delay(failures: int, jitter: float) -> float:
    """Seconds until the next try after so many failures in a row; `jitter` from 0 to 1 spreads them by a quarter."""
    delay: float = min(LAST_RETRY, FIRST_RETRY * 2.0 ** min(failures - 1, 16))
    return delay * (1 - jitter / 4)


class WorkQueue(Generic[K]):
    """Runs `work(key)` for the keys that are due. What it returns are seconds until the key is looked at again."""

    def __init__(
        self,
        work: Callable[[K], Awaitable[float | None]],
        *,
        workers: int,
        clock: Callable[[], float] | None = None,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._work = work
        self._workers = workers
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._jitter = jitter
        self._schedule: Schedule[K] = Schedule()
        self._changed = asyncio.Event()

    def add(self, key: K, delay: float = SETTLE) -> None:
        """Has the key looked at in `delay` seconds, or before."""
        self._schedule.add(key, self._clock() + delay)
        metrics.QUEUE_ADDS.inc()
        self._changed.set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        async with asyncio.TaskGroup() as group:
            for number in range(self._workers):
                group.create_task(self._worker(), name=f"worker-{number}")

    async def _worker(self) -> None:
        while True:
            metrics.QUEUE_DEPTH.set(len(self._schedule))
            key = self._schedule.take(self._clock())
            if key is None:
                await self._wait()
            else:
                await self._run(key)

    async def _wait(self) -> None:
        self._changed.clear()
        at = self._schedule.next_at()
        try:
            async with asyncio.timeout(None if at is None else max(0.0, at - self._clock())):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _run(self, key: K) -> None:
        failed, again = True, None
        try:
            with metrics.reconciling():
                again = await self._work(key)
            failed = False
        except Exception as error:
            log.warning("reconcile_failed", key=str(key), kind=type(error).__name__, reason=str(error)[:500])
        failures = self._schedule.done(key, failed=failed)
        if failed:
            again = retry_delay(failures, self._jitter())
            metrics.QUEUE_RETRIES.inc()
        if again is not None:
            self._schedule.add(key, self._clock() + again)
        self._changed.set()
        await asyncio.sleep(0)  # work that found nothing to do has awaited nothing
