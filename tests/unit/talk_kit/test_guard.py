"""An endpoint behind its breaker and its retries."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from structlog.testing import capture_logs

from talk_kit.breaker import State
from talk_kit.errors import (
    CircuitOpen,
    ContentFiltered,
    DeadlineExceeded,
    EmptyReply,
    OutOfTime,
    ProviderBusy,
    ProviderFailed,
    ProviderRejected,
    ProviderUnreachable,
    TalkError,
)
from talk_kit.guard import Guard
from talk_kit.retry import Retries, RetryLimits


class Guarded:
    """A guard with a clock that tests turn, in front of an endpoint that fails with `error`."""

    def __init__(self, attempts: int = 1) -> None:
        self.now = 0.0
        self.error: BaseException | None = None
        self.asked = 0
        self.changes: list[State] = []
        self.guard = Guard(
            "asr",
            "The speech recognition",
            retries=Retries(RetryLimits(attempts=attempts, first=0.0)),
            on_change=lambda _target, state: self.changes.append(state),
            clock=lambda: self.now,
        )

    async def _open(self) -> AsyncGenerator[str, None]:
        self.asked += 1
        if self.error is not None:
            raise self.error
        yield "a"
        yield "b"

    async def ask(self) -> list[str]:
        async with aclosing(self.guard.stream(self._open)) as items:
            return [item async for item in items]

    async def fail(self, error: BaseException, times: int = 1) -> None:
        self.error = error
        for _ in range(times):
            with pytest.raises(type(error)):
                await self.ask()
        self.error = None


@pytest.mark.parametrize("error", [ProviderFailed(), ProviderUnreachable(), DeadlineExceeded()])
async def test_an_ill_endpoint_is_left_alone_and_the_caller_told_for_how_long(error: TalkError) -> None:
    guarded = Guarded()
    await guarded.fail(error, 5)
    guarded.now = 4.0
    with pytest.raises(CircuitOpen, match="The speech recognition failed lately") as refused:
        await guarded.ask()
    assert refused.value.retry_after == 6.0
    assert str(error) in refused.value.detail
    assert guarded.asked == 5
    guarded.now = 10.0
    assert await guarded.ask() == ["a", "b"]
    assert guarded.changes == [State.OPEN, State.HALF_OPEN, State.CLOSED]


@pytest.mark.parametrize(
    "error",
    [ProviderRejected(), ProviderBusy(), ContentFiltered(), EmptyReply(), OutOfTime(), asyncio.CancelledError(),
     ValueError()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_what_is_the_callers_own_opens_nothing_and_gives_a_trial_back(error: BaseException) -> None:
    guarded = Guarded()
    await guarded.fail(error, 50)
    assert guarded.changes == []
    await guarded.fail(ProviderFailed(), 5)
    guarded.now = 10.0
    await guarded.fail(error)
    assert guarded.changes == [State.OPEN, State.HALF_OPEN]
    assert await guarded.ask() == ["a", "b"]
    assert guarded.changes[2:] == [State.CLOSED]


async def test_a_caller_that_leaves_in_the_middle_of_a_trial_leaves_the_endpoint_open_to_others() -> None:
    guarded = Guarded()
    await guarded.fail(ProviderFailed(), 5)
    guarded.now = 10.0
    async with aclosing(guarded.guard.stream(guarded._open)) as items:
        assert await anext(items) == "a"
        assert await guarded.ask() == ["a", "b"], "it answers: the others need not wait for the end"
    assert guarded.guard.state is State.CLOSED


async def test_each_repetition_counts_and_none_is_made_through_an_open_breaker() -> None:
    guarded = Guarded(attempts=10)
    guarded.error = ProviderFailed()
    with pytest.raises(CircuitOpen):
        await guarded.ask()
    assert guarded.asked == 5


async def test_only_one_of_many_tries_an_endpoint_that_was_ill() -> None:
    guarded = Guarded()
    await guarded.fail(ProviderFailed(), 5)
    guarded.now = 10.0
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncGenerator[str, None]:
        begun.set()
        await go.wait()
        yield "late"

    async def trial() -> list[str]:
        return [item async for item in guarded.guard.stream(slow)]

    task = asyncio.create_task(trial(), name="trial")
    await begun.wait()
    for _ in range(20):
        with pytest.raises(CircuitOpen) as refused:
            await guarded.ask()
        assert refused.value.retry_after == 1.0
    go.set()
    assert await task == ["late"]
    assert guarded.guard.state is State.CLOSED


async def test_each_change_is_one_line_with_the_reason() -> None:
    guarded = Guarded()
    with capture_logs() as lines:
        await guarded.fail(ProviderFailed("It answered with status 500."), 6 - 1)
        guarded.now = 10.0
        await guarded.ask()
    changed = [
        (line["state"], line["target"], line["log_level"]) for line in lines if line["event"] == "breaker_changed"
    ]
    assert changed == [("open", "asr", "warning"), ("half_open", "asr", "info"), ("closed", "asr", "info")]
    assert lines[0]["reason"] == "It answered with status 500."


async def test_what_is_known_to_be_well_again_is_asked_at_once() -> None:
    guarded = Guarded()
    await guarded.fail(ProviderFailed(), 5)
    assert guarded.guard.retry_after == 10.0
    guarded.guard.reset()
    assert guarded.guard.retry_after == 0.0
    assert await guarded.ask() == ["a", "b"]
    assert guarded.changes == [State.OPEN, State.CLOSED]
