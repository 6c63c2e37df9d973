"""Plain scalars as kubectl reads them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_kit.talkagent.scalars import resolve


@pytest.mark.parametrize("text", ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
def test_true(text: str) -> None:
    assert resolve(text) is True


@pytest.mark.parametrize("text", ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
def test_false(text: str) -> None:
    assert resolve(text) is False


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_null(text: str) -> None:
    assert resolve(text) is None


NUMBERS = {
    "0": 0, "-0": 0, "10": 10, "+3": 3, "-7": -7, "1_000": 1000, "010": 8, "0o17": 15, "0x1F": 31, "0b101": 5,
    "-0x10": -16, "1.5": 1.5, ".5": 0.5, "1.": 1.0, "1e3": 1000.0, "1.5e-3": 0.0015, "08": 8.0,
    "99999999999999999999": 99999999999999999999,
}  # fmt: skip


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_numbers(text: str, value: float) -> None:
    assert resolve(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "1:30",
        "190:20:30",
        "2026-11-25",
        "yEs",
        "nO",
        "tRue",
        "1.2.3",
        "0x",
        "-",
        "+",
        ".",
        "1e",
        "10s",
        "_1",
        "²",
        "٣",
        "NaN",
    ],
)
def test_strings(text: str) -> None:
    assert resolve(text) == text


def test_what_json_cannot_say() -> None:
    assert math.isnan(float(resolve(".nan") or 0))
    assert resolve("-.inf") == -math.inf


@given(st.text())
def test_any_text_has_a_value(text: str) -> None:
    resolve(text)


@given(st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_json_numbers_are_themselves(number: float) -> None:
    assert resolve(json.dumps(number)) == number
