"""Numbers that name something: telephone numbers, network addresses, versions, long identifiers."""

from __future__ import annotations

import re

from talk_local.speech.numbers import cardinal, decimal, digits
from talk_local.speech.rules import BEGIN, Rule, rule

_PHONES = (
    r"(?<![\w.])\+\d{1,3}(?:[\s.-]?\(?\d{2,5}\)?){2,5}(?![\w])",
    r"(?<![\w.])(?:\d{1,2}[\s.-])?\(\d{3}\)\s?\d{3}[\s.-]\d{4}(?![\w])",
    r"(?<![\w.,-])(?:\d[.-])?\d{3}([.-])\d{3}\1\d{4}(?![\w-])",
    r"(?<![\w.,-])\d{3}-\d{4}(?![\w-])",
    r"(?<![\w.,-])\d{5}\s\d{5}(?![\w,-])",
)


def _phone(match: re.Match[str]) -> str:
    groups = re.findall(r"\d+", match[0])
    return ("plus " if match[0].startswith("+") else "") + ", ".join(digits(group) for group in groups)


def _dotted(match: re.Match[str]) -> str:
    port = f", port {_label(match['port'])}" if match["port"] else ""
    return " dot ".join(cardinal(int(part)) for part in match["address"].split(".")) + port


def _label(number: str) -> str:
    """A number that is a name, in pairs: `404` is "four oh four", `8080` "eighty eighty", `500` "five hundred"."""
    head, tail = number[:-2], number[-2:]
    if len(number) not in (3, 4) or number[0] == "0" or number.endswith("000"):
        return decimal(number)
    if tail == "00":
        return f"{cardinal(int(head))} hundred"
    return f"{cardinal(int(head))} {'oh ' if tail[0] == '0' else ''}{cardinal(int(tail))}"


def _version(match: re.Match[str]) -> str:
    name = "version " if match[1] else ""
    return name + " point ".join(decimal(part) for part in match[2].split("."))


RULES: list[Rule] = [
    *(rule(pattern, _phone) for pattern in _PHONES),
    rule(rf"{BEGIN}(?P<address>\d{{1,3}}(?:\.\d{{1,3}}){{3}})(?:/\d+)?(?::(?P<port>\d{{1,5}}))?(?!\.?\d)", _dotted),
    rule(r"(?<![\w.,])([vV]\.?\s?)?(\d+(?:\.\d+){2,})(?!\w)", _version),
    rule(r"(?<![\w.,])([vV]\.?)(\d+(?:\.\d+)?)(?!\w)", _version),
    rule(
        r"(?i)\b(room|flight|error|status|http|bus|route|highway|code|gate|extension|port)(:?\s)(\d{3,4})(?![\w,]|\.\d)",
        lambda m: f"{m[1]}{m[2]}{_label(m[3])}",
    ),
    rule(r"(?<![\w.,])(\d{8,})(?![\w,]|\.\d)", lambda m: ", ".join(digits(part) for part in _in_groups(m[1]))),
]


def _in_groups(number: str) -> list[str]:
    """Groups of three, the last of up to four: how people read long numbers to each other."""
    cut = range(0, len(number) - 4, 3)
    groups = [number[start : start + 3] for start in cut]
    return [*groups, number[3 * len(groups) :]]
