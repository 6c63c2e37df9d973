"""A circuit breaker. Pure: times are passed in, in seconds of one clock that never goes back.

An endpoint that keeps failing is left alone for a while, so that callers learn at once what they would have waited
for, and the endpoint is not kept down by those who ask again. One process decides for itself: what it saw is true
for it, and no store has to be up for the decision.

    closed --failures--> open --time--> half-open --the trial succeeds--> closed
                           ^---- the trial fails ----'
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import IntEnum

# The window moves in steps of a tenth: it remembers between 90 and 100 % of its length.
WINDOW_STEPS = 10
# While the one trial runs nobody knows how it ends; callers are asked for this much patience (seconds).
TRIAL_SECONDS = 1.0


class State(IntEnum):
    """As metrics show it: what is worse is larger."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


@dataclass(frozen=True, slots=True)
class BreakerLimits:
    """Opens after `failures` in a row, or when `share` of at least `calls` failed within `window` seconds.

    It stays open for `open_seconds`. Five in a row are not chance, and the second rule finds an endpoint that fails
    every other call.
    """

    failures: int = 5
    share: float = 0.5
    calls: int = 20
    window: float = 30.0
    open_seconds: float = 10.0


class Breaker:
    """The state of one endpoint. Not for several threads."""

    def __init__(self, limits: BreakerLimits | None = None) -> None:
        self._limits = limits or BreakerLimits()
        self._opened: float | None = None
        self._trial: Permit | None = None
        self._era = 0
        self._in_a_row = 0
        self._window = _Window(self._limits.window)

    def state(self, now: float) -> State:
        """An open breaker turns half-open by time alone, and stays so until a trial has ended."""
        if self._opened is None:
            return State.CLOSED
        return State.OPEN if now < self._opened + self._limits.open_seconds else State.HALF_OPEN

    def admit(self, now: float) -> Permit | None:
        """Leave to make one call, which must be ended; None where the call must not be made."""
        state = self.state(now)
        if state is State.CLOSED:
            return Permit(self, self._era)
        if state is State.OPEN or self._trial is not None:
            return None
        self._trial = Permit(self, self._era)
        return self._trial

    def retry_after(self, now: float) -> float:
        """Seconds until a call may be admitted; 0 where it may be now."""
        if self._opened is None:
            return 0.0
        if self.state(now) is State.OPEN:
            return self._opened + self._limits.open_seconds - now
        return TRIAL_SECONDS if self._trial is not None else 0.0

    def reset(self) -> None:
        """Closes it: something else has shown that the endpoint is well. Calls under way no longer count."""
        self._opened = self._trial = None
        self._era += 1
        self._in_a_row = 0
        self._window = _Window(self._limits.window)

    def _open(self, now: float) -> None:
        self.reset()
        self._opened = now

    def _answered(self, permit: Permit) -> None:
        if permit is self._trial:
            self.reset()
            permit.era = self._era

    def _end(self, permit: Permit, failed: bool | None, now: float) -> None:
        if permit is self._trial:
            self._end_trial(failed, now)
        elif failed is not None and permit.era == self._era and self._opened is None:
            self._count(failed, now)

    def _end_trial(self, failed: bool | None, now: float) -> None:
        self._trial = None
        if failed:
            self._open(now)
        elif failed is not None:
            self.reset()

    def _count(self, failed: bool, now: float) -> None:
        self._in_a_row = self._in_a_row + 1 if failed else 0
        self._window.add(failed, now)
        calls, failures = self._window.counts(now)
        limits = self._limits
        if self._in_a_row >= limits.failures or (calls >= limits.calls and failures >= limits.share * calls):
            self._open(now)


class Permit:
    """One admitted call. The first of the three ends counts; a call of before the breaker last changed counts not."""

    def __init__(self, breaker: Breaker, era: int) -> None:
        self.era = era
        self._breaker = breaker
        self._ended = False

    def answered(self) -> None:
        """The endpoint has begun to answer. That is all a trial wants to know: a long answer keeps nobody waiting."""
        if not self._ended:
            self._breaker._answered(self)

    def succeeded(self, now: float) -> None:
        """The call ended well."""
        self._finish(False, now)

    def failed(self, now: float) -> None:
        """The endpoint is ill."""
        self._finish(True, now)

    def told_nothing(self, now: float) -> None:
        """The call says nothing about the endpoint: cancelled, or refused for what was asked. A trial is given back."""
        self._finish(None, now)

    def _finish(self, failed: bool | None, now: float) -> None:
        if not self._ended:
            self._ended = True
            self._breaker._end(self, failed, now)


class _Window:
    """Calls and failures of the last seconds, in a bounded number of steps whatever the rate of calls is."""

    def __init__(self, seconds: float) -> None:
        self._step = seconds / WINDOW_STEPS
        self._steps: deque[list[int]] = deque()

    def add(self, failed: bool, now: float) -> None:
        current = int(now // self._step)
        if not self._steps or self._steps[-1][0] != current:
            self._steps.append([current, 0, 0])
        self._steps[-1][1] += 1
        self._steps[-1][2] += failed

    def counts(self, now: float) -> tuple[int, int]:
        oldest = int(now // self._step) - WINDOW_STEPS
        while self._steps and self._steps[0][0] <= oldest:
            self._steps.popleft()
        return sum(step[1] for step in self._steps), sum(step[2] for step in self._steps)
