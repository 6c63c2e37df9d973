"""Where a text is cut for speech."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_local.speech.clauses import LONGEST, SENTENCE_PAUSE, parts, sentences


def texts(text: str) -> list[str]:
    return [part.text for part in parts(text)]


def test_the_first_part_is_a_clause_and_the_rest_are_sentences() -> None:
    text = "The train to Paris, which is late, leaves at nine. It arrives at noon, they say. Have a good trip!"
    assert texts(text) == [
        "The train to Paris,",
        "which is late, leaves at nine.",
        "It arrives at noon, they say.",
        "Have a good trip!",
    ]


def test_a_pause_stands_between_sentences_and_not_within_one() -> None:
    assert [part.pause for part in parts("The train to Paris, it is said, is late. Sorry.")] == [0, 0, SENTENCE_PAUSE]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Rao met Mrs. Iyer at St. Mary's.",
        "J. R. R. Tolkien wrote it.",
        "It costs $1,000.50 at 10:30.",
        "Yes, it is.",
        "Write to a.b@example.com, e.g. today",
        "1. Open it.",
    ],
)
def test_what_belongs_together_stays_together(text: str) -> None:
    assert texts(text) == [text]


def test_lines_are_sentences() -> None:
    assert sentences("One\nTwo\n\nThree") == ["One", "Two", "Three"]


def test_a_long_sentence_is_cut_at_a_clause_or_else_at_a_space() -> None:
    with_commas = texts("word " * 30 + "end, " + "more " * 60)
    assert with_commas[0].endswith("end,")
    assert all(len(part) <= LONGEST for part in with_commas + texts("word " * 200))
    assert {word for part in texts("word " * 200) for word in part.split()} == {"word"}


@given(st.text(max_size=700))
def test_nothing_is_lost_and_every_part_is_bounded(text: str) -> None:
    found = texts(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert all(0 < len(part) <= LONGEST for part in found)
