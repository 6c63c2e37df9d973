from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_agent.models.failures import RequestRejected
from talk_agent.models.probe import COMPLETION, LISTING, ChainProbe, Member, Pace, Reachability
from talk_kit.errors import ProviderFailed, ProviderUnreachable, TalkError


class Provider:
    """Answers, fails or hangs, and counts how often it was asked."""

    def __init__(self, pace: Pace = LISTING) -> None:
        self.reachability = Reachability(pace)
        self.error: TalkError | None = None
        self.hangs = False
        self.asked = 0

    async def ask(self) -> None:
        self.asked += 1
        if self.hangs:
            await asyncio.Event().wait()
        if self.error:
            raise self.error

    @property
    def member(self) -> Member:
        return Member(self.reachability, self.ask)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def chain(*providers: Provider) -> tuple[ChainProbe, Clock]:
    clock = Clock()
    return ChainProbe([provider.member for provider in providers], clock), clock


async def is_ready(probe: ChainProbe) -> bool:
    try:
        await probe.probe()
    except TalkError:
        return False
    return True


def test_a_model_is_not_there_before_it_has_answered() -> None:
    assert not Reachability(LISTING).ok


def test_one_failure_is_none_and_two_in_a_row_count() -> None:
    known = Reachability(LISTING)
    known.succeeded(0)
    known.failed(5, "gone")
    assert known.ok
    known.succeeded(7)
    known.failed(12, "gone")
    assert known.ok
    known.failed(14, "gone")
    assert not known.ok
    known.succeeded(19)
    assert known.ok


def test_failed_turns_count_like_probes_and_rejected_requests_do_not() -> None:
    known = Reachability(LISTING)
    known.ended(0, None)
    known.ended(1, ProviderFailed("x"))
    known.ended(2, RequestRejected("x"))
    assert known.ok
    known.ended(3, ProviderFailed("x"))
    known.ended(4, ProviderFailed("x"))
    assert not known.ok


@pytest.mark.parametrize(("pace", "bound"), [(LISTING, 15), (COMPLETION, 65)])
@settings(deadline=None)
@given(age=st.floats(0, 1))
def test_a_provider_that_refuses_is_gone_in_time(pace: Pace, bound: float, age: float) -> None:
    known = Reachability(pace)
    known.succeeded(-age * pace.interval)
    now = 0.0
    while known.ok:
        now += known.next_delay(now)
        known.failed(now, "refused")
    assert now <= bound


@pytest.mark.parametrize(("pace", "bound"), [(LISTING, 15), (COMPLETION, 65)])
def test_a_provider_that_hangs_is_gone_in_time_and_back_in_time(pace: Pace, bound: float) -> None:
    known = Reachability(pace)
    known.succeeded(0)
    now = 0.0
    while known.ok:
        now += known.next_delay(now) + pace.timeout
        known.failed(now, "silent")
    assert now <= bound
    assert known.next_delay(now) + LISTING.timeout <= 15


async def test_a_real_call_makes_the_next_probe_superfluous() -> None:
    provider = Provider()
    probe, clock = chain(provider)
    assert await is_ready(probe)
    clock.now = 4.9
    provider.reachability.ended(clock.now, None)
    clock.now = 5.0
    assert await is_ready(probe)
    assert provider.asked == 1
    clock.now = 10.0
    assert await is_ready(probe)
    assert provider.asked == 2


async def test_failed_turns_are_seen_before_the_next_completion_is_due() -> None:
    provider = Provider(COMPLETION)
    probe, clock = chain(provider)
    assert await is_ready(probe)
    assert probe.delay() <= 5.0
    for clock.now in (1.0, 2.0):
        provider.reachability.ended(clock.now, ProviderFailed("x"))
    assert not await is_ready(probe)
    assert provider.asked == 1


async def test_any_model_of_the_chain_is_enough_and_the_others_are_asked_only_then() -> None:
    first, second = Provider(), Provider()
    probe, clock = chain(first, second)
    assert await is_ready(probe)
    assert second.asked == 0
    first.error = ProviderUnreachable("gone")
    for _ in range(2):
        clock.now += probe.delay()
        assert await is_ready(probe)
    assert second.asked == 1
    second.error = ProviderUnreachable("gone too")
    for _ in range(4):
        clock.now += probe.delay()
        ready = await is_ready(probe)
    assert not ready


async def test_a_gone_model_is_named_by_its_failure() -> None:
    provider = Provider()
    provider.error = ProviderUnreachable("The model provider cannot be reached.")
    probe, _ = chain(provider)
    with pytest.raises(ProviderUnreachable, match=r"The model provider cannot be reached\."):
        await probe.probe()


async def test_a_probe_that_hangs_ends() -> None:
    provider = Provider(Pace(interval=5.0, failing=5.0, timeout=0.01))
    provider.hangs = True
    probe, _ = chain(provider)
    assert not await is_ready(probe)
    assert "in time" in provider.reachability.reason
