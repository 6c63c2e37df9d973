# ruff: noqa: SIM905 - lists of words read best as words
"""Dates, times of day, years and decades."""

from __future__ import annotations

import re

from talk_local.speech.numbers import cardinal, ordinal, plural, year
from talk_local.speech.rules import BEGIN, END, Rule, rule, sentence_end, spelled

MONTHS = ("January February March April May June July August September October November December").split()
_MONTH_OF = {name[:3]: name for name in MONTHS} | {"Sept": "September"} | {name: name for name in MONTHS}
_MONTH = r"(?P<month>" + "|".join(sorted(_MONTH_OF, key=len, reverse=True)) + r")\b\.?"
_DAYS = {
    "Mon": "Monday",
    "Tue": "Tuesday",
    "Tues": "Tuesday",
    "Wed": "Wednesday",
    "Thu": "Thursday",
    "Thur": "Thursday",
    "Thurs": "Thursday",
    "Fri": "Friday",
    "Sat": "Saturday",
    "Sun": "Sunday",
}
_DAY = "|".join(sorted(_DAYS, key=len, reverse=True))
_YEAR = r"(?P<year>1[0-9]\d\d|20\d\d)"
_HALF = r"(?P<half>[aApP])\.?\s?[mM]\b\.?"


def _date(match: re.Match[str]) -> str:
    """Three numbers in the order of the pattern's group names; left alone when no calendar has them."""
    month, day, in_year = int(match["month"]), int(match["day"]), match["year"]
    if month > 12 >= day:
        month, day = day, month  # the day before the month, as most of the world writes it
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return match[0]
    full = int(in_year) + (2000 if len(in_year) == 2 else 0)
    return f"{MONTHS[month - 1]} {ordinal(day)}, {year(full)}"


def _month_first(match: re.Match[str]) -> str:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return match[0]
    upto = f" to {ordinal(int(match['last']))}" if match["last"] else ""
    of_year = f", {year(int(match['year']))}" if match["year"] else ""
    return f"{_MONTH_OF[match['month']]} {ordinal(day)}{upto}{of_year}"


def _day_first(match: re.Match[str]) -> str:
    day = int(match["day"])
    if not 1 <= day <= 31:
        return match[0]
    of_year = f", {year(int(match['year']))}" if match["year"] else ""
    return f"{match['the'] or 'the '}{ordinal(day)} of {_MONTH_OF[match['month']]}{of_year}"


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match.groupdict().get("half")
    words = cardinal(hour)
    if minute:
        words += f" {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    elif not half:
        words += " o'clock" if 1 <= hour <= 12 else " hundred"
    if second := match.groupdict().get("second"):
        words += f" and {cardinal(int(second))} seconds"
    return f"{words} {spelled(half + 'm')}{sentence_end(match)}" if half else words


def _hour(match: re.Match[str]) -> str:
    return f"{cardinal(int(match['hour']))} {spelled(match['half'] + 'm')}{sentence_end(match)}"


def _decade(match: re.Match[str]) -> str:
    value = int(match[1])
    return plural(year(value) if value > 100 else cardinal(value))


_CLOCK = r"(?P<hour>[01]?\d|2[0-3])[:.h](?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?"

RULES: list[Rule] = [
    rule(rf"{BEGIN}(?P<year>\d{{4}})([-./])(?P<month>\d{{1,2}})\2(?P<day>\d{{1,2}})(?:T(?=\d)|(?![\w/-]))", _date),
    rule(rf"{BEGIN}(?P<month>\d{{1,2}})([-./])(?P<day>\d{{1,2}})\2(?P<year>\d{{4}}|\d\d)(?![\w/-])", _date),
    rule(
        rf"\b{_MONTH}\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:\s?[-–]\s?(?P<last>\d{{1,2}}))?(?:,?\s+{_YEAR})?(?![\w:.]\d|\d|%)",
        _month_first,
    ),
    rule(
        rf"(?P<the>\bthe\s+)?(?<![\w.,$€£₹])(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH}(?:,?\s+{_YEAR})?(?!\d)",
        _day_first,
    ),
    rule(rf"\b{_MONTH},?\s+{_YEAR}{END}", lambda m: f"{_MONTH_OF[m['month']]} {year(int(m['year']))}"),
    rule(rf"\b({_DAY})\.?\s?[-–]\s?({_DAY})\b\.?", lambda m: f"{_DAYS[m[1]]} to {_DAYS[m[2]]}"),
    rule(rf"\b({_DAY})\b\.?(?=,?\s(?:{'|'.join(MONTHS)})\b|,?\s\d)", lambda m: _DAYS[m[1]]),
    rule(r"(?<=\d)\s?[-–]\s?(?=\d{1,2}:\d\d)|(?<=[ap]m)\s?[-–]\s?(?=\d)|(?<=\.m\.)\s?[-–]\s?(?=\d)", " to "),
    rule(rf"{BEGIN}{_CLOCK}\s?{_HALF}", _time),
    rule(rf"{BEGIN}(?P<hour>1[0-2]|0?[1-9])\s?{_HALF}", _hour),
    rule(rf"{BEGIN}{_CLOCK.replace('[:.h]', ':')}(?![\w:])", _time),
    rule(r"(?<![\w.,])(1[1-9]\d0|20\d0)'?s\b", _decade),
    rule(r"(?<![\w.,])'?([2-9]0)'?s\b", _decade),
    rule(r"(?<!\w)'(\d\d)\b(?!')", lambda m: year(1900 + int(m[1])).split(" ", 1)[1]),
]
