"""The time that is left of a request, carried through every call that is made for it.

A caller says with `X-Request-Timeout` how long it will wait, in seconds; what is begun for it ends by then, and each
agent that is asked learns what is left. Our own bounds stay: a caller can only shorten them.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from talk_kit.errors import DeadlineExceeded, InvalidRequest, OutOfTime

T = TypeVar("T")

HEADER = "X-Request-Timeout"
# Timers may come so much early.
TIMER_SECONDS = 0.01
_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Deadline:
    """`ends` is a time of the event loop's clock, which is `time.monotonic`; `seconds` is how long it was in all."""

    ends: float
    seconds: float

    def left(self) -> float:
        """Seconds; negative when it is over."""
        return self.ends - time.monotonic()

    def over(self) -> OutOfTime:
        """The error for a request that has reached it."""
        return OutOfTime(f"The request was given {self.seconds:g} s, and they are over.")


_current: ContextVar[Deadline | None] = ContextVar("talk_deadline", default=None)


def parse(header: str | None) -> float | None:
    """The seconds of an `X-Request-Timeout`, None where there is none. InvalidRequest says what to send."""
    if header is None:
        return None
    text = header.strip(" \t")
    if not _SECONDS.fullmatch(text) or float(text) <= 0:
        raise InvalidRequest(f"The header {HEADER} is a number of seconds over 0, such as 2.5.")
    return float(text)


def begin(header: str | None, own: float) -> Deadline:
    """Starts the clock of the current request: what the caller gives, at most `own` seconds.

    It holds for the current task and for tasks that it starts from here on. A deadline that the task has already
    can only become shorter.
    """
    wanted = parse(header)
    seconds = own if wanted is None else min(own, wanted)
    ends = time.monotonic() + seconds
    deadline = _current.get()
    if deadline is None or ends < deadline.ends:
        deadline = Deadline(ends, seconds)
        _current.set(deadline)
    return deadline


def forget() -> None:
    """A new request begins in this task: one that follows another on its connection may share its context."""
    _current.set(None)


def current() -> Deadline | None:
    """That of the request which this task serves; None outside of one."""
    return _current.get()


def bounded(own: float) -> float:
    """`own` seconds, or what is left where that is less. OutOfTime where nothing is."""
    deadline = _current.get()
    if deadline is None:
        return own
    if (left := deadline.left()) <= 0:
        raise deadline.over()
    return min(own, left)


def over() -> OutOfTime | None:
    """The error where the current request's time is used up: an endpoint that was waited for is not to blame."""
    deadline = _current.get()
    return deadline.over() if deadline is not None and deadline.left() <= TIMER_SECONDS else None


def outgoing_headers() -> dict[str, str]:
    """What an agent is told: the seconds that are left."""
    deadline = _current.get()
    return {} if deadline is None else {HEADER: f"{max(deadline.left(), 0.001):.3f}"}


@asynccontextmanager
async def held() -> AsyncIterator[None]:
    """The block ends with the current request's deadline, as OutOfTime. Not for a block that yields."""
    deadline = _current.get()
    try:
        async with asyncio.timeout_at(None if deadline is None else deadline.ends) as scope:
            yield
    except TimeoutError:
        if deadline is None or not scope.expired():
            raise
        raise deadline.over() from None


async def kept(items: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """The items, until the current request's deadline: then OutOfTime, whoever was waited for."""
    async with aclosing(items):
        while True:
            try:
                async with held():
                    item = await anext(items)
            except StopAsyncIteration:
                return
            yield item


async def paced(items: AsyncGenerator[T, None], *, first: float, total: float, target: str) -> AsyncGenerator[T, None]:
    """The items of an endpoint that must begin within `first` seconds and take `total` in all: else DeadlineExceeded.

    Only the time in which the endpoint is waited for counts, so that a slow reader is not blamed on it. What is left
    of the request bounds both, as OutOfTime. How long a pause may be is the connection's own bound.
    """
    spent, begun = 0.0, False
    async with aclosing(items):
        while True:
            most = total - spent if begun else min(first, total)
            asked = time.monotonic()
            try:
                async with asyncio.timeout(bounded(max(most, 0.0))) as scope:
                    item = await anext(items)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not scope.expired():
                    raise
                raise over() or DeadlineExceeded(f"{target} did not answer in time.") from None
            spent, begun = spent + time.monotonic() - asked, True
            yield item
