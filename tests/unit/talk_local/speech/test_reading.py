"""Written English to what is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_local.speech.reading import MARKS, spoken
from talk_local.speech.rules import LETTER

CASES = Path(__file__).resolve().parents[3] / "cases" / "sentences.jsonl"


def said(text: str) -> str:
    """Words and marks as one line; a letter that is named is written `_a`."""
    line = "".join(word if word in MARKS else f" {word}" for word in spoken(text))
    return line.replace(LETTER, "_").strip()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("98.6°F is normal.", "ninety eight point six degrees Fahrenheit is normal."),
        ("It is 22,1 °C.", "It is twenty two point one degrees Celsius."),
        ("8,848.86 m", "eight thousand eight hundred forty eight point eight six meters"),
        ("-5 °C", "minus five degrees Celsius"),
        ("1 km, 2 km", "one kilometer, two kilometers"),
        ("a 5-km run", "a five kilometer run"),
        ("80 km/h and 60 mph", "eighty kilometers per hour and sixty miles per hour"),
        ("100 m² or 3 m³", "one hundred square meters or three cubic meters"),
        ("16 GB at 3.2 GHz", "sixteen gigabytes at three point two gigahertz"),
        ("72 kg and 500 ml", "seventy two kilograms and five hundred milliliters"),
        ("5.5% or 10 %", "five point five percent or ten percent"),
        ("5–10% off", "five to ten percent off"),
        ("pages 12-15", "pages twelve to fifteen"),
        ("10 - 4 = 6", "ten minus four equals six"),
        ("3 + 4 × 5", "three plus four times five"),
        ("2^10", "two to the power of ten"),
        ("1,234,567 people", "one million two hundred thirty four thousand five hundred sixty seven people"),
        ("agent 007", "agent zero zero seven"),
        ("1/2, 3/4 and 2/3", "one half, three quarters and two thirds"),
        ("2 1/2 cups, 3½ miles", "two and a half cups, three and a half miles"),
        ("You get 7/10.", "You get seven out of ten."),
        ("24/7", "twenty four seven"),
        ("the 1st, 2nd, 3rd and 21st", "the first, second, third and twenty first"),
        ("3x faster, 10k users", "three times faster, ten thousand users"),
        ("a ratio of 3:1", "a ratio of three to one"),
        ("5'10\" tall", "five foot ten tall"),
        ("1e9", "one times ten to the nine"),
        ("०५", "zero five"),
    ],
)
def test_quantities(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$29.99", "twenty nine dollars and ninety nine cents"),
        ("$1", "one dollar"),
        ("$0.99", "ninety nine cents"),
        ("$1,000.00", "one thousand dollars"),
        ("-$5", "minus five dollars"),
        ("$3.5bn", "three point five billion dollars"),
        ("€5 million", "five million euros"),
        ("£1.01", "one pound and one penny"),
        ("₹1,000.50", "one thousand rupees and fifty paise"),
        ("Rs. 1,00,000", "one hundred thousand rupees"),
        ("20€", "twenty euros"),
        ("$5-10", "five to ten dollars"),
        ("¥500", "five hundred yen"),
        ("100 USD", "one hundred US dollars"),
        ("$100/month", "one hundred dollars per month"),
        ("50¢", "fifty cents"),
    ],
)
def test_money(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 10:30", "at ten thirty"),
        ("10:30am", "ten thirty _a _m"),
        ("9 p.m.", "nine _p _m."),
        ("It is 9 a.m. They talked.", "It is nine _a _m. They talked."),
        ("at 9 a.m. today", "at nine _a _m today"),
        ("12:00", "twelve o'clock"),
        ("14:00", "fourteen hundred"),
        ("7:05", "seven oh five"),
        ("10:30-11:30", "ten thirty to eleven thirty"),
        ("Mon-Fri, 9-5", "Monday to Friday, nine to five"),
        ("Jan 1, 1980", "January first, nineteen eighty"),
        ("Dec. 25", "December twenty fifth"),
        ("March 5th", "March fifth"),
        ("5 March 2024", "the fifth of March, twenty twenty four"),
        ("the 3rd of May", "the third of May"),
        ("May 2024", "May twenty twenty four"),
        ("2025-01-31", "January thirty first, twenty twenty five"),
        ("2025.01.01", "January first, twenty twenty five"),
        ("1/31/2025", "January thirty first, twenty twenty five"),
        ("31/1/2025", "January thirty first, twenty twenty five"),
        ("in 1984 and 2007", "in nineteen eighty four and two thousand seven"),
        ("the 1990s, the '80s, the 2000s", "the nineteen nineties, the eighties, the two thousands"),
    ],
)
def test_dates_and_times(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("555-0199", "five five five, zero one nine nine"),
        ("(555) 123-4567", "five five five, one two three, four five six seven"),
        ("+1 555-123-4567", "plus one, five five five, one two three, four five six seven"),
        ("98765 43210", "nine eight seven six five, four three two one zero"),
        ("10.0.0.12:8080", "ten dot zero dot zero dot twelve, port eighty eighty"),
        ("v1.2.3", "version one point two point three"),
        ("Python 3.13", "Python three point one three"),
        ("version 1.10.2", "version one point ten point two"),
        ("Room 404", "Room four oh four"),
        ("1234567890", "one two three, four five six, seven eight nine zero"),
        ("GPT-4 and COVID-19", "GPT four and COVID nineteen"),
        ("H2O", "H two O"),
        ("#5", "number five"),
    ],
)
def test_numbers_that_are_names(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Dr. Rao met Mrs. Iyer", "Doctor Rao met Missus Iyer"),
        ("at St. Mary's", "at Saint Mary's"),
        ("e.g. apples, i.e. fruit", "for example, apples, that is, fruit"),
        ("apples, pears, etc. are fruit", "apples, pears, et cetera are fruit"),
        ("this vs. that", "this versus that"),
        ("J.K. Rowling", "_j _k Rowling"),
        ("the U.S. Army", "the _u _s Army"),
        ("World War II", "World War two"),
        ("Henry VIII", "Henry the eighth"),
        ("Chapter IV", "Chapter four"),
        ("AT&T, R&D", "_a _t and _t, _r and _d"),
        ("salt & pepper", "salt and pepper"),
        ("C++ and C#", "C plus plus and C sharp"),
        ("x > 3", "x greater than three"),
        ("5 min. later", "five minutes later"),
    ],
)
def test_abbreviations_and_symbols(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write to first.last@mail.example.in.", "Write to first dot last at mail dot example dot _i _n."),
        ("See https://www.example.com/a/guide?x=1.", "See example dot com slash _a slash guide."),
        ("Go to talk.dev.", "Go to talk dot dev."),
        ("Open setup.py.", "Open setup dot _p _y."),
        ("ask @maria about #talk", "ask at maria about hashtag talk"),
    ],
)  # fmt: skip
def test_addresses(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Well... I am not sure.", "Well. I am not sure."),
        ("one — two – three", "one, two, three"),
        ("“quoted” and (in brackets)", "quoted and, in brackets,"),
        ("- one\n- two", "one. two"),
        ("1. Open it.\n2. Speak.", "one, Open it. two, Speak."),
        ("snake_case and **bold**", "snake case and bold"),
        ("IT IS VERY LOUD HERE", "it is very loud here"),
        ("naïve café in Zürich", "naive cafe in Zurich"),
        ("नमस्ते hello 你好", "hello"),
        ("Really?! No!!", "Really? No!"),
        ("a , , b", "a, b"),
        ("don't", "don't"),
        ("don’t", "don't"),
    ],
)
def test_marks_and_scripts(text: str, expected: str) -> None:
    assert said(text) == expected


@pytest.mark.parametrize("text", ["", " ", "??", "…", "नमस्ते दुनिया", "你好。", "🎉🎉", "---", "```"])
def test_what_cannot_be_said_has_no_words(text: str) -> None:
    assert not [word for word in spoken(text) if word not in MARKS]


def test_the_cases_of_the_sentence_splitter_are_read_without_a_digit_left() -> None:
    for line in CASES.read_text().splitlines():
        words = spoken(json.loads(line)["text"])
        assert not [word for word in words if any(character.isdigit() for character in word)], line


@given(st.text(max_size=80))
def test_any_text_gives_plain_words(text: str) -> None:
    for word in spoken(text):
        assert word in MARKS or word[0] == LETTER or word.replace("'", "").replace("-", "").isascii()


@given(st.text(alphabet="0123456789 .,:/-+$%€°kmsthndapCF'x()#", max_size=30))
def test_any_figures_give_words_without_digits(text: str) -> None:
    assert not any(character.isdigit() for word in spoken(text) for character in word)
