"""Is the model there? A policy without clock and I/O, and the chain that asks.

LLM gone: not ready within 15 s (a provider that is asked by completions: 65 s, also where it hangs); back: ready within
15 s.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from talk_agent.models.failures import provider_is_well
from talk_kit.errors import ProviderUnreachable, TalkError

# Failures in a row after which a model counts as gone; the second is looked for soon after the first.
FAILURES = 2
SECOND_LOOK = 2.0
# The longest that the chain's check sleeps, so that failed turns are seen between two probes.
LONGEST_SLEEP = 5.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between two probes of a model, and the bound of one."""

    interval: float
    failing: float
    timeout: float


# `GET /models` costs nothing. 5 s + 3 s + 2 s + 3 s is less than 15 s.
LISTING = Pace(interval=5.0, failing=5.0, timeout=3.0)
# A completion costs a token, and takes its time. 45 s + 8 s + 2 s + 8 s is less than 65 s.
COMPLETION = Pace(interval=45.0, failing=6.0, timeout=8.0)


class Reachability:
    """What probes and real calls found out about one model. Times are seconds of one monotonic clock."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.ok = False
        self.reason = "The model was not asked yet."
        self._failures = 0
        self._due = float("-inf")

    def succeeded(self, now: float) -> None:
        """A probe or a real call got its answer: the next probe can wait."""
        self.ok, self._failures = True, 0
        self._due = now + self.pace.interval

    def failed(self, now: float, reason: str) -> None:
        """A probe or a real call failed."""
        self._failures += 1
        self.reason = reason
        self.ok = self.ok and self._failures < FAILURES
        self._due = now + (SECOND_LOOK if self._failures < FAILURES else self.pace.failing)

    def ended(self, now: float, error: TalkError | None) -> None:
        """A real call ended: a provider that answers and refuses what it was asked is there."""
        if error is None or provider_is_well(error):
            self.succeeded(now)
        else:
            self.failed(now, error.detail)

    def next_delay(self, now: float) -> float:
        """Seconds until the next probe; 0 when it is due."""
        return max(0.0, self._due - now)


@dataclass(frozen=True, slots=True)
class Member:
    """One model of a chain: what is known about it, and how it is asked. `ask` raises TalkError.

    `recovered` is called when a probe succeeds after one that failed. Probes that went well all the time say nothing
    about real calls that do not.
    """

    reachability: Reachability
    ask: Callable[[], Awaitable[None]]
    recovered: Callable[[], None] = lambda: None


class ChainProbe:
    """The probe of a chain of models: one that is there is enough. For `talk_kit.health.Check`."""

    def __init__(self, members: Sequence[Member], clock: Callable[[], float] = time.monotonic) -> None:
        self._members = members
        self._clock = clock
        self._gone: set[int] = set()

    @property
    def timeout(self) -> float:
        """Seconds that a whole probe may take."""
        longest = [member.reachability.pace.timeout for member in self._members]
        return longest[0] + max(longest[1:], default=0.0) + 1.0

    async def probe(self) -> None:
        """Asks the first model if that is due, the others only while it is gone. Raises what the first failed with."""
        first, *others = self._members
        await self._refresh(first)
        if first.reachability.ok:
            return
        await asyncio.gather(*map(self._refresh, others))
        if not any(member.reachability.ok for member in others):
            raise ProviderUnreachable(first.reachability.reason)

    def delay(self, _ok: bool = True) -> float:
        """Seconds that the check sleeps now."""
        return min(max(self._members[0].reachability.next_delay(self._clock()), 0.5), LONGEST_SLEEP)

    async def _refresh(self, member: Member) -> None:
        known = member.reachability
        if known.next_delay(self._clock()) > 0:
            return
        try:
            async with asyncio.timeout(known.pace.timeout):
                await member.ask()
        except TimeoutError:
            self._gone.add(id(member))
            known.failed(self._clock(), "The model provider did not answer in time.")
        except TalkError as error:
            self._gone.add(id(member))
            known.ended(self._clock(), error)
        else:
            known.succeeded(self._clock())
            if id(member) in self._gone:
                self._gone.discard(id(member))
                member.recovered()
