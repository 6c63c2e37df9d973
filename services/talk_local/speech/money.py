"""Amounts of money: `$29.99`, `£5 million`, `Rs. 1,00,000`, `20€`, `$5-10`."""

from __future__ import annotations

import re
from typing import NamedTuple

from talk_local.speech.numbers import cardinal, decimal
from talk_local.speech.rules import END, NUMBER, Rule, rule


class Currency(NamedTuple):
    """One and many of the unit and of its hundredth; no names for the hundredth where it is not used."""

    one: str
    many: str
    part: str = ""
    parts: str = ""


_DOLLAR = Currency("dollar", "dollars", "cent", "cents")
_EURO = Currency("euro", "euros", "cent", "cents")
_POUND = Currency("pound", "pounds", "penny", "pence")
_RUPEE = Currency("rupee", "rupees", "paisa", "paise")
_YEN = Currency("yen", "yen")
CURRENCIES = {
    "$": _DOLLAR,
    "US$": _DOLLAR,
    "USD": Currency("US dollar", "US dollars", "cent", "cents"),
    "€": _EURO,
    "EUR": _EURO,
    "£": _POUND,
    "GBP": _POUND,
    "₹": _RUPEE,
    "Rs.": _RUPEE,
    "Rs": _RUPEE,
    "INR": _RUPEE,
    "¥": _YEN,
    "JPY": _YEN,
    "₩": Currency("won", "won"),
    "₽": Currency("ruble", "rubles"),
    "₺": Currency("lira", "lira"),
    "₿": Currency("bitcoin", "bitcoins"),
    "CHF": Currency("Swiss franc", "Swiss francs", "centime", "centimes"),
}
_SCALES = {
    "k": "thousand",
    "K": "thousand",
    "m": "million",
    "M": "million",
    "mn": "million",
    "b": "billion",
    "B": "billion",
    "bn": "billion",
    "cr": "crore",
}
_SIGNS = "|".join(re.escape(sign) for sign in sorted(CURRENCIES, key=len, reverse=True))
_SCALE = (
    r"(?:\s?(?P<scale>[kKmMbB]|mn|bn|cr)(?![A-Za-z])"
    r"|\s(?P<word>thousand|million|billion|trillion|lakhs?|crores?)\b)?"
)


def _amount(match: re.Match[str]) -> str:
    found = match.groupdict()
    currency = CURRENCIES[found["sign"]]
    scale = found.get("word") or _SCALES.get(found.get("scale") or "", "")
    minus = "minus " if found.get("minus") else ""
    if low := found.get("low"):
        return f"{minus}{decimal(low)} to {decimal(found['number'])} {scale} {currency.many}"
    if scale:
        return f"{minus}{decimal(found['number'])} {scale} {currency.many}"
    return minus + money(found["number"], currency)


def money(number: str, currency: Currency) -> str:
    """`29.99` of dollars is "twenty nine dollars and ninety nine cents"."""
    whole_text, _, fraction = number.replace(",", "").partition(".")
    whole = int(whole_text)
    if not currency.part or len(fraction) > 2:
        return f"{decimal(number)} {currency.one if number == '1' else currency.many}"
    units = f"{cardinal(whole)} {currency.one if whole == 1 else currency.many}"
    hundredths = int(fraction.ljust(2, "0"))
    if not hundredths:
        return units
    parts = f"{cardinal(hundredths)} {currency.part if hundredths == 1 else currency.parts}"
    return f"{units} and {parts}" if whole else parts


RULES: list[Rule] = [
    rule(
        rf"(?P<minus>[-−]\s?)?(?<![A-Za-z])(?P<sign>{_SIGNS})\s?(?P<low>{NUMBER})\s?(?:[-–]|to)\s?(?:{_SIGNS})?\s?"
        rf"(?P<number>{NUMBER}){_SCALE}",
        _amount,
    ),
    rule(rf"(?P<minus>[-−]\s?)?(?<![A-Za-z])(?P<sign>{_SIGNS})\s?(?P<number>{NUMBER}){_SCALE}", _amount),
    rule(rf"(?<![\w.,])(?P<number>{NUMBER}){_SCALE}\s?(?P<sign>{_SIGNS}){END}", _amount),
    rule(r"(?<![\d.,])(\d+)\s?¢", lambda m: f"{cardinal(int(m[1]))} cent{'' if m[1] == '1' else 's'}"),
]
