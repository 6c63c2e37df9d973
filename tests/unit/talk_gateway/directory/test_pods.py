"""Which pod takes the next turn."""

from __future__ import annotations

from contextlib import ExitStack

from hypothesis import given
from hypothesis import strategies as st

from talk_gateway.directory.pods import ASIDE_SECONDS, Pods

A, B, C = "http://a", "http://b", "http://c"


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def chosen(pods: Pods, tried: tuple[str, ...] = ()) -> str | None:
    with pods.turn(tried) as url:
        return url


def test_equals_take_turns_in_rotation() -> None:
    pods = Pods([A, B, C])
    assert [chosen(pods) for _ in range(7)] == [A, B, C, A, B, C, A]


def test_the_pod_with_the_fewest_running_turns_is_chosen() -> None:
    pods = Pods([A, B])
    with pods.turn() as first, pods.turn() as second:
        assert {first, second} == {A, B}
        with pods.turn() as third:
            assert third == first
            assert chosen(pods) == second


def test_what_was_tried_is_not_chosen_again() -> None:
    pods = Pods([A, B])
    assert chosen(pods, (A,)) == B
    assert chosen(pods, (A, B)) is None
    assert not pods.others({A, B})


def test_a_pod_that_ends_is_asked_only_when_no_other_is_left() -> None:
    pods = Pods()
    pods.offer([B], [A])
    assert [chosen(pods), chosen(pods)] == [B, B]
    pods.offer([], [A])
    assert chosen(pods) == A


def test_a_pod_set_aside_comes_last_for_a_while() -> None:
    clock = Clock()
    pods = Pods([A, B], clock=clock)
    pods.set_aside(A)
    assert [chosen(pods), chosen(pods)] == [B, B]
    assert chosen(pods, (B,)) == A
    clock.now += ASIDE_SECONDS
    pods.offer([A])
    assert chosen(pods) == A


def test_a_turn_stays_counted_where_it_runs_when_its_pod_leaves_and_returns() -> None:
    pods = Pods([A, B])
    with pods.turn() as url:
        assert url == A
        pods.offer([B])
        pods.offer([A, B])
        assert pods.running(A) == 1
        assert chosen(pods) == B
    assert pods.running(A) == 0


@given(st.lists(st.sampled_from(["begin", "end", "offer"]), max_size=60), st.randoms(use_true_random=False))
def test_pods_differ_by_one_turn_at_most_while_they_stay_the_same(steps: list[str], random: object) -> None:
    pods, open_turns = Pods([A, B, C]), list[ExitStack]()
    for step in steps:
        if step == "begin":
            open_turns.append(ExitStack())
            open_turns[-1].enter_context(pods.turn())
        elif step == "offer":
            pods.offer([C, B, A])
        if step != "end":
            continue
        # The last begun ends first, so that choice alone decides the balance.
        if open_turns:
            open_turns.pop().close()
        running = [pods.running(url) for url in (A, B, C)]
        assert sum(running) == len(open_turns)
        assert max(running) - min(running) <= 1
    for turn in open_turns:
        turn.close()
    assert [pods.running(url) for url in (A, B, C)] == [0, 0, 0]
