"""What was acknowledged against what is kept."""

from __future__ import annotations

import pytest

from tests.chaos.history import Difference, Kept, compare

ASKED = [("one", True, "1"), ("two", False, None), ("three", True, None)]
ONE = [("user", "one"), ("assistant", "1")]
TWO = [("user", "two"), ("assistant", "2, cut")]
THREE = [("user", "three"), ("assistant", "3")]


def difference(kept: Kept) -> Difference:
    return compare({"s": ASKED}, {"s": kept})


@pytest.mark.parametrize("kept", [[*ONE, *THREE], [*ONE, *TWO, *THREE]])
def test_a_question_that_was_never_answered_may_be_kept_or_not(kept: Kept) -> None:
    assert not difference(kept)


@pytest.mark.parametrize(
    ("kept", "lost"),
    [
        (ONE, ["s: three"]),
        ([], ["s: one", "s: three"]),
        ([("user", "one"), ("assistant", "another's"), *THREE], ["s: one"]),
    ],
)
def test_an_answer_that_was_acknowledged_and_is_not_there_is_lost(kept: Kept, lost: list[str]) -> None:
    assert difference(kept) == Difference(lost=lost)


def test_a_question_that_is_there_twice_is_told() -> None:
    assert difference([*ONE, *ONE, *THREE]).double == ["s: one"]


def test_a_question_of_nobody_is_told() -> None:
    assert difference([*ONE, ("user", "four"), ("assistant", "4"), *THREE]) == Difference(strange=["s: four"])


def test_another_order_is_told() -> None:
    assert difference([*THREE, *ONE]) == Difference(out_of_order=["s"])


@pytest.mark.parametrize("kept", [[*ONE, ("user", "two"), *THREE], [*ONE, ("assistant", "1"), *THREE]])
def test_two_messages_of_one_side_in_a_row_are_told(kept: Kept) -> None:
    assert difference(kept).not_alternating == ["s"]


def test_a_session_that_is_gone_has_lost_all() -> None:
    assert compare({"s": ASKED}, {}).lost == ["s: one", "s: three"]
