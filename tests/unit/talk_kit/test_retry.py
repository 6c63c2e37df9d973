"""Repetitions: safe ones only, spread, within one budget."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_kit import deadline
from talk_kit.errors import (
    CircuitOpen,
    ContentFiltered,
    DeadlineExceeded,
    EmptyReply,
    NoAudio,
    ProviderBusy,
    ProviderFailed,
    ProviderRejected,
    ProviderUnreachable,
    RateLimited,
    TalkError,
)
from talk_kit.retry import Retries, RetryBudget, RetryLimits


class Endpoint:
    """Yields the steps of its next script; an error among them is raised."""

    def __init__(self, *scripts: list[str | TalkError]) -> None:
        self.scripts = list(scripts)
        self.asked = 0
        self.waits: list[float] = []
        self.told: list[TalkError] = []
        self.retries = Retries(RetryLimits(attempts=3), on_retry=self.told.append, draw=lambda: 0.5, sleep=self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def open(self) -> AsyncGenerator[str, None]:
        self.asked += 1
        for step in self.scripts.pop(0):
            if isinstance(step, TalkError):
                raise step
            yield step

    async def items(self) -> list[str]:
        async with aclosing(self.retries.stream(self.open)) as items:
            return [item async for item in items]


async def test_what_fails_before_its_first_item_is_asked_again_after_a_longer_wait_each_time() -> None:
    endpoint = Endpoint([ProviderFailed()], [ProviderUnreachable()], ["a", "b"])
    assert await endpoint.items() == ["a", "b"]
    assert endpoint.waits == [0.1, 0.2]
    assert [type(error) for error in endpoint.told] == [ProviderFailed, ProviderUnreachable]


async def test_the_attempts_are_bounded_and_the_last_error_is_the_one() -> None:
    endpoint = Endpoint([ProviderFailed("1")], [ProviderFailed("2")], [ProviderFailed("3")])
    with pytest.raises(ProviderFailed, match="3"):
        await endpoint.items()
    assert endpoint.asked == 3


async def test_nothing_is_repeated_once_something_was_passed_on() -> None:
    endpoint = Endpoint(["a", ProviderFailed()], ["a"])
    with pytest.raises(ProviderFailed):
        await endpoint.items()
    assert endpoint.asked == 1


@pytest.mark.parametrize(
    "error",
    [ProviderRejected(), ProviderBusy(), CircuitOpen(), ContentFiltered(), EmptyReply(), NoAudio(), RateLimited(),
     DeadlineExceeded()],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
async def test_what_would_fail_again_or_took_its_time_is_not_repeated(error: TalkError) -> None:
    endpoint = Endpoint([error], ["a"])
    with pytest.raises(type(error)):
        await endpoint.items()
    assert endpoint.asked == 1


async def test_in_a_bad_hour_the_repetitions_end() -> None:
    down: list[list[str | TalkError]] = [[ProviderFailed()] for _ in range(1_000)]
    endpoint = Endpoint(*down)
    for _ in range(100):
        with pytest.raises(ProviderFailed):
            await endpoint.items()
    assert endpoint.asked == 110


async def test_no_wait_goes_past_the_deadline() -> None:
    deadline.begin(None, 0.05)
    endpoint = Endpoint([ProviderFailed()], ["a"])
    with pytest.raises(ProviderFailed):
        await endpoint.items()
    assert endpoint.waits == []
    assert endpoint.retries.budget.tokens == 10


@given(st.lists(st.booleans(), max_size=500))
def test_repetitions_are_never_more_than_the_burst_and_a_tenth_of_the_successes(calls: list[bool]) -> None:
    budget, taken = RetryBudget(0.1, 10), 0
    for number, success in enumerate(calls):
        if success:
            budget.succeeded()
        else:
            taken += budget.take()
        assert taken <= 10 + 0.1 * sum(calls[: number + 1]) + 1e-9
        assert 0 <= budget.tokens <= 10


@given(st.floats(0, 1), st.integers(1, 20))
def test_waits_are_spread_from_nothing_to_their_bound(draw: float, attempt: int) -> None:
    limits = RetryLimits(attempts=100)
    wait = Retries(limits, draw=lambda: draw).wait(attempt, ProviderFailed())
    assert wait is not None
    assert wait == draw * min(limits.longest, limits.first * 2 ** (attempt - 1))
