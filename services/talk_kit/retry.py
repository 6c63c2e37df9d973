"""Asking an endpoint again: only before anything was passed on, and never so often that a bad hour gets worse.

Libraries repeat a call as a whole; here it is the beginning of a stream that may be repeated, the caller's deadline
bounds the waits, and one budget for all calls to an endpoint decides (docs/adr/0010-circuit-breakers-and-retries.md).
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from itertools import count
from typing import TypeVar

from talk_kit import deadline
from talk_kit.errors import DeadlineExceeded, TalkError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryLimits:
    """`attempts` calls in all. The wait before the n-th repetition is drawn from 0 to `first * 2**(n-1)` seconds, at
    most `longest`. `share` of the calls that succeed may be repetitions, and `burst` more after a quiet time.
    """

    attempts: int = 2
    first: float = 0.2
    longest: float = 2.0
    share: float = 0.1
    burst: float = 10.0


class RetryBudget:
    """A bucket of tokens, full at start: a repetition takes one, a success gives `share` of one. Pure.

    While nothing succeeds it stays empty: an endpoint that is down gets no calls beyond those of its callers.
    """

    def __init__(self, share: float, burst: float) -> None:
        self._share = share
        self._burst = burst
        self.tokens = burst

    def succeeded(self) -> None:
        """A call was answered well."""
        self.tokens = min(self._burst, self.tokens + self._share)

    def take(self) -> bool:
        """Whether one more repetition is within the budget; it is then spent."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Retries:
    """The repetitions of one endpoint. `on_retry` is told of each, with the error that led to it."""

    def __init__(
        self,
        limits: RetryLimits | None = None,
        *,
        on_retry: Callable[[TalkError], None] = lambda _: None,
        draw: Callable[[], float] = random.random,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._limits = limits or RetryLimits()
        self._on_retry = on_retry
        self._draw = draw
        self._sleep = sleep
        self.budget = RetryBudget(self._limits.share, self._limits.burst)

    async def stream(self, open_: Callable[[], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
        """The items of what `open_` opens. It is opened again where it failed before its first item."""
        for attempt in count(1):
            begun = False
            try:
                async with aclosing(open_()) as items:
                    async for item in items:
                        begun = True
                        yield item
                self.budget.succeeded()
                return
            except TalkError as error:
                wait = None if begun else self.wait(attempt, error)
                if wait is None:
                    raise
                self._on_retry(error)
            await self._sleep(wait)

    def wait(self, attempt: int, error: TalkError) -> float | None:
        """Seconds before the next attempt, after this one failed so; None where there is none."""
        if attempt >= self._limits.attempts or not worth_repeating(error):
            return None
        wait = self._draw() * min(self._limits.longest, self._limits.first * 2 ** (attempt - 1))
        current = deadline.current()
        if current is not None and current.left() <= wait:
            return None
        return wait if self.budget.take() else None


def worth_repeating(error: TalkError) -> bool:
    """Whether the same call may succeed at once: not what took its whole time already, nor what was asked wrongly."""
    return error.blames_endpoint and error.retryable and not isinstance(error, DeadlineExceeded)
