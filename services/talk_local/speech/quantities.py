# ruff: noqa: SIM905 - lists of words read best as words
"""Numbers that count or measure: units, percent, ranges, fractions, ordinals, signs of arithmetic, plain numbers."""

from __future__ import annotations

import re

from talk_local.speech.numbers import cardinal, decimal, fraction, ordinal, plural, year
from talk_local.speech.rules import BEGIN, END, NUMBER, Rule, rule

_UNITS: dict[str, tuple[str, str]] = {
    "°C": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°": ("degree", "degrees"),
    "ft": ("foot", "feet"),
    "Hz": ("hertz", "hertz"),
    "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"),
    "GHz": ("gigahertz", "gigahertz"),
    "mph": ("mile per hour", "miles per hour"),
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "kmh": ("kilometer per hour", "kilometers per hour"),
    "m/s": ("meter per second", "meters per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "sq ft": ("square foot", "square feet"),
    "fps": ("frame per second", "frames per second"),
    "dB": ("decibel", "decibels"),
    "px": ("pixel", "pixels"),
} | {
    sign: (name, name + "s")
    for sign, name in {
        "km": "kilometer", "m": "meter", "cm": "centimeter", "mm": "millimeter", "nm": "nanometer",
        "µm": "micrometer", "kg": "kilogram", "g": "gram", "mg": "milligram", "µg": "microgram",
        "lb": "pound", "lbs": "pound", "oz": "ounce", "mi": "mile", "yd": "yard",
        "L": "liter", "l": "liter", "ml": "milliliter", "mL": "milliliter", "gal": "gallon",
        "s": "second", "sec": "second", "secs": "second", "ms": "millisecond", "µs": "microsecond",
        "ns": "nanosecond", "min": "minute", "mins": "minute", "h": "hour", "hr": "hour", "hrs": "hour",
        "kB": "kilobyte", "KB": "kilobyte", "MB": "megabyte", "GB": "gigabyte", "TB": "terabyte",
        "KiB": "kibibyte", "MiB": "mebibyte", "GiB": "gibibyte",
        "V": "volt", "mV": "millivolt", "W": "watt", "kW": "kilowatt", "MW": "megawatt", "GW": "gigawatt",
        "Wh": "watt hour", "kWh": "kilowatt hour", "mAh": "milliamp hour", "mA": "milliamp",
        "kJ": "kilojoule", "cal": "calorie", "kcal": "kilocalorie",
        "Pa": "pascal", "kPa": "kilopascal", "psi": "pound per square inch", "mol": "mole",
    }.items()
}  # fmt: skip
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_POWERS = {"²": "square ", "³": "cubic "}
_ALONE = {"24/7": "twenty four seven", "9/11": "nine eleven"}
_MARKS_OF = {10, 20, 100}  # what marks are given out of: 7/10 is "seven out of ten"
_GLYPHS = dict(
    zip("½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", "1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/8 3/8 5/8 7/8".split(), strict=True)
)


def plain(number: str) -> str:
    """A number on its own: four digits without a comma that can be a year are read as one."""
    if number.isdecimal() and len(number) == 4 and 1100 <= int(number) <= 2099:
        return year(int(number))
    return decimal(number)


def _measure(match: re.Match[str]) -> str:
    one, many = _UNITS[match["unit"]]
    alone = match["number"] == "1" or match["joint"] == "-"
    power = _POWERS.get(match["power"] or "", "")
    return f"{decimal(match['number'])} {power}{one if alone else many}"


def _parts(match: re.Match[str]) -> str:
    numerator, denominator = int(match[1]), int(match[2])
    if match[0] in _ALONE:
        return _ALONE[match[0]]
    if denominator in _MARKS_OF or numerator == 0:
        return f"{cardinal(numerator)} out of {cardinal(denominator)}"
    if denominator < 2 or numerator > 2 * denominator:
        return f"{cardinal(numerator)} over {cardinal(denominator)}"
    return fraction(numerator, denominator)


def _mixed(match: re.Match[str]) -> str:
    return f"{decimal(match[1])} and {'a half' if match[2] == '1/2' else fraction(*map(int, match[2].split('/')))}"


def _power_of_ten(match: re.Match[str]) -> str:
    return f"{decimal(match[1])} times ten to the {decimal(match[2])}"


RULES: list[Rule] = [
    rule("(?<=\\d)?([" + "".join(_GLYPHS) + "])", lambda m: " " + _GLYPHS[m[1]]),
    rule(rf"{BEGIN}(\d+) (\d/\d)(?![\d/])", _mixed),
    rule(rf"{BEGIN}(\d{{1,3}})/(\d{{1,4}})(?![\w/]|\.\d)", _parts),
    rule(r"(?<![\w)\].,-])[-−](?=\.?\d)", "minus "),
    rule(r"(?<=\d):(?=\d)", " to "),
    rule(r"(\d)'\s?(\d{1,2})(?:\"|'')", lambda m: f"{cardinal(int(m[1]))} foot {cardinal(int(m[2]))}"),
    rule(rf"{BEGIN}({NUMBER})[eE]([-+]?\d+){END}", _power_of_ten),
    rule(r"(?<=[\d)])\s?\^\s?(?=[\w(-])", " to the power of "),
    rule(r"(?<=\d)\s?[×x*]\s?(?=\d)|(?<=\d)\s×\s", " times "),
    rule(r"(?<=\d)\s?÷\s?(?=\d)", " divided by "),
    rule(r"(?<=[\d)])\s[-−]\s(?=[\d(])", " minus "),
    rule(rf"(?<![\w.,-])({NUMBER})[-–]({NUMBER})(?![\w-]*-\d)", lambda m: f"{plain(m[1])} to {m[2]}"),
    rule(r"(?<![\w.,])(\d+),(\d{1,2})(?![\d,]|\.\d)", r"\1.\2"),  # a comma for the decimal point
    rule(rf"({NUMBER})\s?%", lambda m: f"{decimal(m[1])} percent"),
    rule(
        rf"(?<![\w.,])(?P<number>{NUMBER})(?P<joint>\s|-|)(?P<unit>{_UNIT})(?P<power>[²³])?(?![\w°/]|-\w)(?:\.(?=\s[a-z]))?",
        _measure,
    ),
    rule(r"(?<=[a-z])/(?=(?:second|minute|hour|day|night|week|month|year|person|kg|km|s|h)\b)", " per "),
    rule(r"\bper s\b", "per second"),
    rule(r"\bper h\b", "per hour"),
    rule(r"\bper kg\b", "per kilogram"),
    rule(r"\bper km\b", "per kilometer"),
    rule(
        r"(?<![\w.])(\d{1,3}(?:,\d{3})+|\d+)(?:st|nd|rd|th|ST|ND|RD|TH)\b",
        lambda m: ordinal(int(m[1].replace(",", ""))),
    ),
    rule(r"(?<![\w.])(\d+)x\b", lambda m: f"{cardinal(int(m[1]))} times"),
    rule(r"(?<![\w.])(\d+)\+(?!\w)", lambda m: f"{cardinal(int(m[1]))} plus"),
    rule(r"(?<![\w.])(\d+(?:\.\d+)?)k\b", lambda m: f"{decimal(m[1])} thousand"),
    rule(r"(?<![\w.])(\d+(?:\.\d+)?)M\b", lambda m: f"{decimal(m[1])} million"),
    rule(r"(?<![\w.])(\d+)'?s\b", lambda m: plural(cardinal(int(m[1])))),
    rule(r"(?:#|№|\bNo\.|\bno\.|\bNos\.)\s?(?=\d)", "number "),
    rule(r"(?<=[A-Za-z])-?(?=\d)", " "),
    rule(r"(?<=\d)-?(?=[A-Za-z])", " "),
    rule(rf"(?<![\d.]){NUMBER}|(?<!\d)\.\d+|\d+", lambda m: f" {plain(m[0])} "),
]
