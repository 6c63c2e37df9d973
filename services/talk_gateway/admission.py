"""How many turns run at once: in all, so that memory and latency stay bounded, and for each agent, so that one agent
that everybody asks leaves room for the others. A few more wait for a moment; the rest is refused at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from talk_gateway import metrics
from talk_kit import deadline
from talk_kit.errors import Overloaded, RateLimited, TalkError


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """Turns at once in all and for one agent; how many more may wait, and for how many seconds."""

    turns: int = 200
    agent_turns: int = 100
    waiting: int = 50
    seconds: float = 2.0


class Admission:
    """Places for turns. Who waits is served in the order of coming."""

    def __init__(self, limits: AdmissionLimits | None = None) -> None:
        self.limits = limits or AdmissionLimits()
        self.waiting = 0
        self._all = _Places(self.limits.turns)
        self._by_agent: dict[str, _Places] = {}
        metrics.turn_places.set(self.limits.turns)

    @property
    def running(self) -> int:
        """Turns that have a place."""
        return self._all.taken

    @asynccontextmanager
    async def place(self, agent: str) -> AsyncIterator[None]:
        """A place for one turn, for the block. RateLimited where the agent has none left, Overloaded where nobody has.

        The agent's place is taken first: who waits for a popular agent keeps no place from the others.
        """
        places = self._by_agent.setdefault(agent, _Places(self.limits.agent_turns))
        try:
            async with (
                self._taken(places, RateLimited(f"The agent {agent} has all the turns it may run at once.")),
                self._taken(self._all, Overloaded("This gateway runs all the turns it can.")),
            ):
                yield
        finally:
            if places.idle and self._by_agent.get(agent) is places:
                del self._by_agent[agent]

    @asynccontextmanager
    async def _taken(self, places: _Places, refusal: TalkError) -> AsyncIterator[None]:
        if not places.free:
            await self._wait(places, refusal)
        places.taken += 1
        try:
            yield
        finally:
            places.leave()

    async def _wait(self, places: _Places, refusal: TalkError) -> None:
        if self.waiting >= self.limits.waiting:
            raise _refused(refusal)
        self.waiting += 1
        metrics.turns_waiting.inc()
        try:
            async with asyncio.timeout(deadline.bounded(self.limits.seconds)):
                await places.wait()
        except TimeoutError:
            raise _refused(refusal) from None
        finally:
            self.waiting -= 1
            metrics.turns_waiting.dec()


def _refused(error: TalkError) -> TalkError:
    metrics.turns_refused.labels(error.code).inc()
    return error


class _Places:
    """Counted places with a queue before them. A place that falls free is handed to the first who waits."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._queue: list[asyncio.Future[None]] = []
        self._promised = 0
        self.taken = 0

    @property
    def free(self) -> bool:
        return self.taken + self._promised < self._size and not self._queue

    @property
    def idle(self) -> bool:
        return not (self.taken or self._promised or self._queue)

    async def wait(self) -> None:
        """Returns with a place, which must be taken before anything else is awaited."""
        mine = asyncio.get_running_loop().create_future()
        self._queue.append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine in self._queue:
                self._queue.remove(mine)
            elif not mine.cancelled():  # else it was passed over: no place was promised
                self._promised -= 1
                self._hand_on()
            raise
        self._promised -= 1

    def leave(self) -> None:
        self.taken -= 1
        self._hand_on()

    def _hand_on(self) -> None:
        while self._queue and self.taken + self._promised < self._size:
            first = self._queue.pop(0)
            if not first.done():
                self._promised += 1
                first.set_result(None)
