"""The breaker against its own rules, over any order of calls, ends and times."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from talk_kit.breaker import WINDOW_STEPS, Breaker, BreakerLimits, Permit, State

LIMITS = BreakerLimits()


def admitted(breaker: Breaker, now: float) -> Permit:
    permit = breaker.admit(now)
    assert permit is not None
    return permit


def opened(now: float = 0.0) -> Breaker:
    breaker = Breaker(LIMITS)
    for _ in range(LIMITS.failures):
        admitted(breaker, now).failed(now)
    return breaker


def test_five_failures_in_a_row_open_it_for_ten_seconds() -> None:
    breaker = Breaker()
    for _ in range(4):
        admitted(breaker, 0).failed(0)
    assert breaker.state(0) is State.CLOSED
    admitted(breaker, 0).failed(0)
    assert breaker.state(9.9) is State.OPEN
    assert breaker.admit(9.9) is None
    assert breaker.retry_after(4) == 6
    assert breaker.state(10) is State.HALF_OPEN


def test_a_success_in_between_begins_the_row_anew() -> None:
    breaker = Breaker()
    for _ in range(3):
        for _ in range(4):
            admitted(breaker, 0).failed(0)
        admitted(breaker, 0).succeeded(0)
        if breaker.state(0) is State.OPEN:
            break
    assert breaker.state(0) is State.CLOSED, "15 calls are too few for a rate"


@pytest.mark.parametrize(("calls", "state"), [(19, State.CLOSED), (20, State.OPEN)])
def test_half_of_twenty_calls_open_it(calls: int, state: State) -> None:
    breaker = Breaker()
    for number in range(calls):
        permit = admitted(breaker, number)
        permit.failed(number) if number % 2 else permit.succeeded(number)
    assert breaker.state(calls) is state


def test_failures_that_are_old_do_not_count() -> None:
    breaker = Breaker()
    for number in range(200):
        now = number * 2.0  # 15 calls in the window
        permit = admitted(breaker, now)
        permit.failed(now) if number % 2 else permit.succeeded(now)
    assert breaker.state(400) is State.CLOSED


def test_of_many_that_come_one_is_the_trial_and_its_end_decides() -> None:
    breaker = opened()
    permits = [breaker.admit(10) for _ in range(50)]
    (trial,) = [permit for permit in permits if permit]
    assert breaker.retry_after(10) > 0
    trial.failed(11)
    assert breaker.state(20.9) is State.OPEN
    again = admitted(breaker, 21)
    again.succeeded(22)
    assert breaker.state(22) is State.CLOSED
    assert all(breaker.admit(22) for _ in range(50))


def test_a_trial_that_was_cancelled_is_given_back() -> None:
    breaker = opened()
    admitted(breaker, 10).told_nothing(10)
    assert breaker.state(10) is State.HALF_OPEN
    assert breaker.retry_after(10) == 0
    admitted(breaker, 10).succeeded(10)
    assert breaker.state(10) is State.CLOSED


def test_a_trial_that_begins_to_answer_lets_the_others_in_and_still_counts_when_it_breaks() -> None:
    breaker = opened()
    trial = admitted(breaker, 10)
    trial.answered()
    assert breaker.state(10) is State.CLOSED
    for _ in range(4):
        admitted(breaker, 10).failed(10)
    trial.failed(60)
    assert breaker.state(60) is State.OPEN


def test_calls_of_before_it_opened_change_nothing() -> None:
    breaker = Breaker()
    late = [admitted(breaker, 0) for _ in range(10)]
    for _ in range(5):
        admitted(breaker, 0).failed(0)
    trial = admitted(breaker, 10)
    for permit in late[:5]:
        permit.succeeded(11)
    assert breaker.state(11) is State.HALF_OPEN
    trial.succeeded(12)
    for permit in late[5:]:
        permit.failed(12)
    assert breaker.state(12) is State.CLOSED


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=300))
def test_what_is_remembered_is_bounded(calls: list[tuple[float, bool]]) -> None:
    breaker, now = Breaker(), 0.0
    for wait, failed in calls:
        now += wait
        if permit := breaker.admit(now):
            permit.failed(now) if failed else permit.succeeded(now)
        assert len(breaker._window._steps) <= WINDOW_STEPS


class Calls(RuleBasedStateMachine):
    """Any calls at any times. What must always hold is written from the outside, by what was admitted."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(LIMITS)
        self.now = 1_000.0
        self.running: list[Permit] = []
        self.trial: Permit | None = None
        self.open_since: float | None = None
        self.in_a_row = 0

    @rule(seconds=st.floats(0, 15))
    def time_passes(self, seconds: float) -> None:
        before = self.breaker.state(self.now)
        self.now += seconds
        after = self.breaker.state(self.now)
        assert after is before or (before, after) == (State.OPEN, State.HALF_OPEN)

    @rule()
    def call(self) -> None:
        state = self.breaker.state(self.now)
        permit = self.breaker.admit(self.now)
        if state is State.CLOSED:
            assert permit is not None
        elif state is State.OPEN or self.trial is not None:
            assert permit is None
            assert self.breaker.retry_after(self.now) > 0
        else:
            assert permit is not None
            self.trial = permit
        if permit is not None:
            self.running.append(permit)

    @precondition(lambda self: self.running)
    @rule(data=st.data(), end=st.sampled_from(["succeeded", "failed", "told_nothing"]))
    def a_call_ends(self, data: st.DataObject, end: str) -> None:
        permit = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        before = self.breaker.state(self.now)
        getattr(permit, end)(self.now)
        after = self.breaker.state(self.now)
        if permit is self.trial:
            self.trial = None
            expected = {"succeeded": State.CLOSED, "failed": State.OPEN, "told_nothing": State.HALF_OPEN}[end]
            assert after is expected
        elif before is not State.CLOSED or end != "failed":
            assert after is before or (before is State.CLOSED and end == "succeeded"), "only a trial closes or reopens"
        getattr(permit, "failed" if end == "succeeded" else "succeeded")(self.now)
        assert self.breaker.state(self.now) is after, "a call ends once"

    @precondition(lambda self: self.trial is not None)
    @rule()
    def the_trial_begins_to_answer(self) -> None:
        assert self.trial is not None
        self.trial.answered()
        self.trial = None
        assert self.breaker.state(self.now) is State.CLOSED

    @precondition(lambda self: self.breaker.state(self.now) is State.CLOSED)
    @rule()
    def five_more_failures_open_it(self) -> None:
        for _ in range(LIMITS.failures):
            if permit := self.breaker.admit(self.now):
                permit.failed(self.now)
        assert self.breaker.state(self.now) is State.OPEN

    @invariant()
    def patience_is_asked_for_only_where_none_is_admitted_and_within_bounds(self) -> None:
        wait = self.breaker.retry_after(self.now)
        assert 0 <= wait <= LIMITS.open_seconds + 1e-9
        assert (self.breaker.state(self.now) is State.OPEN) <= (wait > 0)


def test_any_calls_at_any_times() -> None:
    run_state_machine_as_test(Calls, settings=settings(max_examples=60, stateful_step_count=40, deadline=None))
