"""One endpoint behind its breaker and its retries: an ASR, a TTS, a model, a pod."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from types import TracebackType
from typing import Self, TypeVar

from talk_kit.breaker import Breaker, BreakerLimits, Permit, State
from talk_kit.errors import CircuitOpen, TalkError
from talk_kit.logs import get_logger
from talk_kit.retry import Retries

T = TypeVar("T")

log = get_logger(__name__)


class Guard:
    """`target` is the endpoint's label in metrics and logs, `name` how errors call it: "The speech recognition".

    `on_change` is told each new state; half-open is told when the trial begins.
    """

    def __init__(
        self,
        target: str,
        name: str,
        limits: BreakerLimits | None = None,
        retries: Retries | None = None,
        *,
        on_change: Callable[[str, State], None] = lambda _target, _state: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.target = target
        self.name = name
        self._breaker = Breaker(limits)
        self._retries = retries or Retries()
        self._on_change = on_change
        self._clock = clock
        self._told = State.CLOSED
        self._reason = ""

    @property
    def state(self) -> State:
        """Now."""
        return self._breaker.state(self._clock())

    @property
    def retry_after(self) -> float:
        """Seconds until a call may be made; 0 where it may be now."""
        return self._breaker.retry_after(self._clock())

    async def stream(self, open_: Callable[[], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
        """The items of what `open_` opens, opened again where that is safe. CircuitOpen where it may not be asked.

        Read it to its end: a stream that is left before says nothing about the endpoint.
        """
        async with aclosing(self._retries.stream(lambda: self._once(open_))) as items:
            async for item in items:
                yield item

    def call(self) -> Call:
        """One call, without a repetition: the `with` block. Raises CircuitOpen where it begins."""
        return Call(self)

    def reset(self) -> None:
        """The endpoint is known to be well again."""
        self._breaker.reset()
        self._tell()

    async def _once(self, open_: Callable[[], AsyncGenerator[T, None]]) -> AsyncGenerator[T, None]:
        with self.call() as call:
            async with aclosing(open_()) as items:
                async for item in items:
                    call.answered()
                    yield item

    def _admit(self) -> Permit:
        now = self._clock()
        permit = self._breaker.admit(now)
        if permit is None:
            raise CircuitOpen(
                f"{self.name} failed lately and is left alone for a moment. {self._reason}".rstrip(),
                retry_after=self._breaker.retry_after(now),
            )
        self._tell()
        return permit

    def _answered(self, permit: Permit) -> None:
        permit.answered()
        self._tell()

    def _end(self, permit: Permit, error: BaseException | None) -> None:
        now = self._clock()
        if error is None:
            permit.succeeded(now)
        elif blames_endpoint(error):
            self._reason = str(error)
            permit.failed(now)
        else:
            permit.told_nothing(now)
        self._tell()

    def _tell(self) -> None:
        state = self._breaker.state(self._clock())
        if state is self._told:
            return
        self._told = state
        level = log.warning if state is State.OPEN else log.info
        level("breaker_changed", target=self.target, state=state.name.lower(), reason=self._reason or None)
        self._on_change(self.target, state)


class Call:
    """One call of an endpoint. How the block is left says how the call ended."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._permit: Permit | None = None
        self._answered = False

    def answered(self) -> None:
        """The first of its answer is there; later calls change nothing."""
        if not self._answered and self._permit is not None:
            self._answered = True
            self._guard._answered(self._permit)

    def succeeded(self) -> None:
        """The answer is complete: nothing that comes later counts, such as a caller that leaves at its last item."""
        if self._permit is not None:
            self._guard._end(self._permit, None)
            self._permit = None

    def __enter__(self) -> Self:
        self._permit = self._guard._admit()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if self._permit is not None:
            self._guard._end(self._permit, error)


def blames_endpoint(error: BaseException) -> bool:
    """Whether an error says that the endpoint is ill: not that it refuses what was asked, is busy, or was left."""
    return isinstance(error, TalkError) and error.blames_endpoint
