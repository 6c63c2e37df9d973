"""Blocking work in threads, with a bound on what may wait."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from talk_kit.errors import ProviderBusy

T = TypeVar("T")


class Lane:
    """A few threads for one kind of work, first come first served. Use it from one event loop.

    Cancelling a caller takes its work out of the queue; work that a thread has begun runs to its end.
    """

    def __init__(self, name: str, *, workers: int, waiting: int) -> None:
        self.name = name
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._limit = workers + waiting
        self._pending = 0

    @property
    def pending(self) -> int:
        """What runs and what waits."""
        return self._pending

    def admit(self) -> None:
        """Raises ProviderBusy when a new request would be one too many."""
        if self._pending >= self._limit:
            raise ProviderBusy(f"Too many requests wait for {self.name}. Try again in a moment.", retry_after=1.0)

    async def run(self, work: Callable[[], T]) -> T:
        """The result of `work`, made in a thread. Never refused: ask `admit` first, once a request."""
        future: Future[T] = self._pool.submit(work)
        self._pending += 1
        loop = asyncio.get_running_loop()
        future.add_done_callback(lambda _: self._done(loop))
        return await asyncio.wrap_future(future)

    def _done(self, loop: asyncio.AbstractEventLoop) -> None:
        """Called in the thread that did the work, or in the loop's when the work was cancelled."""
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody counts any more
            loop.call_soon_threadsafe(self._count_one_less)

    def _count_one_less(self) -> None:
        self._pending -= 1

    def close(self) -> None:
        """Drops what waits; does not wait for what runs."""
        self._pool.shutdown(wait=False, cancel_futures=True)
