"""Repairs of what a small model hears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_local.transcripts import tidy


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("\"'My train leaves at nine.", "My train leaves at nine."),
        ("'I don't know.", "I don't know."),
        ('"Where is it?', "Where is it?"),
        ("\"'I would like to plan a trip.'\"", "I would like to plan a trip."),
        ("It is 100% of the 100% of the 100% of the 100%.", "It is 100% of the 100%."),
        ("go to the, go to the, go to the museum", "go to the museum"),
        ("no no no no no no no no", "no"),
        ("In short,, the period", "In short, the period"),
        ("at nine p M..", "at nine p M."),
        ("to-morrow and to-day", "tomorrow and today"),
        ("  two   spaces ", "two spaces"),
    ],
)
def test_slips_are_mended(heard: str, meant: str) -> None:
    assert tidy(heard) == meant


@pytest.mark.parametrize(
    "text",
    [
        'He said "go" and left.',
        "It's Alice's, isn't it?",
        "No, no, no!",
        "'Tis the season.",
        "Well... yes.",
        "very very good",
        "the dogs' toys",
        "",
    ],
)
def test_good_text_stays(text: str) -> None:
    assert tidy(text) == text


@given(st.text(max_size=100))
def test_mending_twice_is_mending_once_for_words(text: str) -> None:
    assert len(tidy(text)) <= len(text)
