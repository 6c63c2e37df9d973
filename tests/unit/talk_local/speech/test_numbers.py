"""Numbers as words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_local.speech.numbers import cardinal, decimal, digits, fraction, ordinal, plural, year


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0, "zero"),
        (7, "seven"),
        (13, "thirteen"),
        (20, "twenty"),
        (21, "twenty one"),
        (100, "one hundred"),
        (110, "one hundred ten"),
        (999, "nine hundred ninety nine"),
        (1000, "one thousand"),
        (1_001, "one thousand one"),
        (10_500, "ten thousand five hundred"),
        (1_000_000, "one million"),
        (2_000_003, "two million three"),
        (1_234_000_890, "one billion two hundred thirty four million eight hundred ninety"),
        (-42, "minus forty two"),
    ],
)  # fmt: skip
def test_cardinals(value: int, said: str) -> None:
    assert cardinal(value) == said


def test_a_number_that_has_no_name_is_read_by_its_digits() -> None:
    assert cardinal(10**30) == "one " + " ".join(["zero"] * 30)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (5, "fifth"),
        (8, "eighth"),
        (9, "ninth"),
        (12, "twelfth"),
        (20, "twentieth"),
        (21, "twenty first"),
        (100, "one hundredth"),
        (113, "one hundred thirteenth"),
    ],
)
def test_ordinals(value: int, said: str) -> None:
    assert ordinal(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (1066, "one thousand sixty six"),
        (1492, "fourteen ninety two"),
        (1900, "nineteen hundred"),
        (1905, "nineteen oh five"),
        (2000, "two thousand"),
        (2007, "two thousand seven"),
        (2010, "twenty ten"),
        (2024, "twenty twenty four"),
        (2100, "two thousand one hundred"),
    ],
)
def test_years(value: int, said: str) -> None:
    assert year(value) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("3.14", "three point one four"),
        ("0.50", "zero point five zero"),
        (".5", "zero point five"),
        ("-1,234.5", "minus one thousand two hundred thirty four point five"),
        ("−3", "minus three"),
        ("1,00,000", "one hundred thousand"),
        ("007", "zero zero seven"),
    ],
)
def test_decimals(text: str, said: str) -> None:
    assert decimal(text) == said


@pytest.mark.parametrize(
    ("numerator", "denominator", "said"),
    [
        (1, 2, "one half"),
        (3, 2, "three halves"),
        (1, 4, "one quarter"),
        (3, 4, "three quarters"),
        (2, 3, "two thirds"),
        (7, 8, "seven eighths"),
    ],
)
def test_fractions(numerator: int, denominator: int, said: str) -> None:
    assert fraction(numerator, denominator) == said


def test_digits_and_plurals() -> None:
    assert digits("55-01") == "five five zero one"
    assert [plural(word) for word in ("nineteen ninety", "six", "one hundred")] == [
        "nineteen nineties",
        "sixes",
        "one hundreds",
    ]


@given(st.integers(min_value=-(10**24), max_value=10**24))
def test_every_number_is_said_in_small_letters(value: int) -> None:
    for said in (cardinal(value), ordinal(abs(value)), decimal(str(value))):
        assert re.fullmatch(r"[a-z]+(?: [a-z]+)*", said)
