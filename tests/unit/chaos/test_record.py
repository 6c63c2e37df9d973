"""A load in figures."""

from __future__ import annotations

from tests.chaos.record import NEVER, Attempt, Report, Turn


def turn(*attempts: Attempt, question: str = "q") -> Turn:
    return Turn("s", question, list(attempts), "r" if attempts[-1].ok else None)


GOOD = turn(Attempt("text-json", 0.0, 1.0))
RETRIED = turn(Attempt("text-sse", 2.0, 3.0, "502 x"), Attempt("text-sse", 3.5, 4.0))
GIVEN_UP = turn(Attempt("text-sse", 5.0, 6.0, "400 y", retryable=False))


def test_turns_are_counted_by_what_their_caller_saw() -> None:
    report = Report.of([GOOD, RETRIED, GIVEN_UP])
    assert (report.sent, report.failed, report.retried_well, report.given_up) == (3, 2, 1, 1)
    assert report.not_retryable == 1
    assert report.codes == {"502 x": 1, "400 y": 1}
    assert report.asked == {"s": [("q", True, "r"), ("q", True, "r"), ("q", False, None)]}


def test_recovery_is_the_first_good_end_after_the_last_failure() -> None:
    assert Report.of([GOOD, RETRIED], ended=2.5).recovered_at == 4.0
    assert Report.of([GOOD, RETRIED], ended=3.5).recovered_at is None
    assert Report.of([GOOD, RETRIED, GIVEN_UP]).recovered_at == NEVER


def test_a_failure_that_began_after_the_fault_is_late() -> None:
    assert Report.of([RETRIED], ended=2.5).late == 0
    assert Report.of([RETRIED], ended=1.5).late == 1


def test_what_failed_before_the_fault_is_not_its_doing() -> None:
    report = Report.of([GOOD, RETRIED], began=3.2)
    assert (report.sent, report.failed, report.codes) == (1, 0, {})
    assert len(report.asked["s"]) == 2
