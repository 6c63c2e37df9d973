"""When a process is started again."""

from __future__ import annotations

from talk_cli.running.restart import Failures, RestartPolicy

POLICY = RestartPolicy(first=0.5, most=15, stable=30, tries=3)


def waits(lives: list[float]) -> list[float]:
    failures, found = Failures().ready(), []
    for lived in lives:
        failures = failures.after(lived, POLICY)
        found.append(failures.wait(POLICY))
    return found


def test_the_wait_doubles_up_to_its_cap() -> None:
    assert waits([1.0] * 7) == [0.5, 1, 2, 4, 8, 15, 15]


def test_a_stable_life_begins_anew() -> None:
    assert waits([1, 1, 1, 31, 1]) == [0.5, 1, 2, 0.5, 1]


def test_a_thousand_failures_are_no_overflow() -> None:
    assert waits([0.0] * 2000)[-1] == 15


def test_one_that_was_never_ready_is_given_up() -> None:
    failures = Failures()
    for _ in range(2):
        failures = failures.after(0.1, POLICY)
        assert not failures.hopeless(POLICY)
    assert failures.after(0.1, POLICY).hopeless(POLICY)


def test_one_that_was_ready_is_never_given_up() -> None:
    failures = Failures().ready()
    for _ in range(100):
        failures = failures.after(0.1, POLICY)
    assert not failures.hopeless(POLICY)
