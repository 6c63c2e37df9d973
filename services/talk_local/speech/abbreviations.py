"""Abbreviations, symbols and Roman numerals as the words they stand for."""

from __future__ import annotations

import re

from talk_local.speech.numbers import cardinal, ordinal
from talk_local.speech.rules import Rule, rule, sentence_end, spelled

# Read as written whatever follows; the full stop belongs to the abbreviation.
_TITLES = {
    "Dr": "Doctor", "Mr": "Mister", "Mrs": "Missus", "Ms": "Miz", "Prof": "Professor", "Rev": "Reverend",
    "Hon": "Honorable", "Gen": "General", "Col": "Colonel", "Capt": "Captain", "Lt": "Lieutenant", "Sgt": "Sergeant",
    "Gov": "Governor", "Sen": "Senator", "Rep": "Representative", "Pres": "President", "Mt": "Mount", "Ft": "Fort",
}  # fmt: skip
# With its full stop only: without it each is a word, or nothing.
_DOTTED = {
    "etc": "et cetera", "vs": "versus", "approx": "approximately", "dept": "department", "est": "established",
    "fig": "figure", "figs": "figures", "max": "maximum", "vol": "volume",
    "pp": "pages", "al": "al", "cf": "compare", "viz": "namely",
    "inc": "incorporated", "ltd": "limited", "corp": "corporation", "bros": "brothers", "jr": "junior", "sr": "senior",
    "ave": "avenue", "blvd": "boulevard", "rd": "road", "ln": "lane", "hwy": "highway", "apt": "apartment",
    "govt": "government", "assn": "association", "univ": "university", "tel": "telephone", "ext": "extension",
    "incl": "including", "excl": "excluding", "esp": "especially", "misc": "miscellaneous", "temp": "temperature",
    "qty": "quantity", "ref": "reference", "resp": "respectively",
}  # fmt: skip
_BARE = {
    "vs": "versus", "etc": "et cetera", "w/": "with", "w/o": "without", "b/c": "because", "aka": "also known as",
    "btw": "by the way", "fyi": "for your information", "asap": "as soon as possible", "imo": "in my opinion",
    "approx": "approximately", "govt": "government", "dept": "department", "thru": "through", "ok": "okay",
    "c#": "C sharp", "f#": "F sharp",
}  # fmt: skip
_MONTHS = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "Jun": "June", "Jul": "July", "Aug": "August",
    "Sep": "September", "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December",
    "Mon": "Monday", "Tue": "Tuesday", "Tues": "Tuesday", "Wed": "Wednesday", "Thu": "Thursday", "Thurs": "Thursday",
    "Fri": "Friday", "Sat": "Saturday", "Sun": "Sunday",
}  # fmt: skip
_SYMBOLS = {
    "&": " and ", "+": " plus ", "=": " equals ", "≈": " is about ", "≠": " is not equal to ", "≤": " at most ",
    "≥": " at least ", "<": " less than ", ">": " greater than ", "±": " plus or minus ",
    "×": " times ", "÷": " divided by ",
    "√": " square root of ", "∞": " infinity ", "→": " to ", "@": " at ", "%": " percent ", "©": " copyright ",
    "®": " ", "™": " ", "§": " section ", "°": " degrees ", "π": " pi ", "Ω": " ohm ", "µ": " micro ",
    "€": " euros ", "£": " pounds ", "$": " dollars ", "₹": " rupees ",
}  # fmt: skip
_ROMAN = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
_RULERS = "Henry|Louis|George|Edward|Richard|Charles|William|James|Elizabeth|Philip|Pius|Benedict|Napoleon|Alexander"
_COUNTED = (
    "[Cc]hapter|[Pp]art|[Ss]ection|[Vv]olume|War|[Aa]ct|[Ss]cene|[Pp]hase|[Tt]ype|[Ll]evel|[Cc]lass|[Ss]tage|"
    "[Aa]ppendix|Article|Title|Bowl"
)


def roman(numeral: str) -> int:
    """`XIV` is 14. Takes any letters of a numeral, in any order that adds up."""
    values = [_ROMAN[letter] for letter in numeral]
    following = [*values[1:], 0]
    return sum(-value if value < after else value for value, after in zip(values, following, strict=True))


def _any_of(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _initials(match: re.Match[str]) -> str:
    end = "." if re.match(r"\s*$", match.string[match.end() :]) else ""
    return spelled(match[0]) + end


RULES: list[Rule] = [
    rule(r"\b[eE]\.\s?g\.,?", "for example,"),
    rule(r"\b[iI]\.\s?e\.,?", "that is,"),
    rule(r"\b[pP]\.\s?[sS]\.", lambda _: spelled("ps")),
    rule(rf"\b({_any_of(_TITLES)})\.(?=\s?[A-Z])", lambda m: _TITLES[m[1]] + " "),
    rule(r"\b(Dr|Mr|Mrs|Ms|Prof)\b\.?(?=\s[A-Z])", lambda m: _TITLES[m[1]]),
    rule(r"\bSt\.?(?=\s[A-Z])", "Saint"),
    rule(r"(?<=[a-z] )St\b\.?", "Street"),
    rule(r"\b[pP]\.\s?(?=\d)", "page "),
    rule(rf"\b({_any_of(_MONTHS)})\.(?!\w)", lambda m: _MONTHS[m[1]] + sentence_end(m)),
    rule(rf"\b({_any_of(_DOTTED)})\.(?!\w)", lambda m: _DOTTED[m[1].lower()] + sentence_end(m), re.IGNORECASE),
    rule(r"(?<![\w.])(?:[A-Za-z]\.){2,}(?:[A-Z]\b)?", _initials),
    rule(r"\b([A-Z]{1,3})&([A-Z]{1,3})\b", lambda m: f"{spelled(m[1])} and {spelled(m[2])}"),
    rule(r"\b([A-Z])\.(?=\s?[A-Z])", lambda m: spelled(m[1]) + " "),
    rule(rf"(?<!\w)({_any_of(_BARE)})(?![\w/#])", lambda m: _BARE[m[1].lower()], re.IGNORECASE),
    rule(rf"\b({_RULERS}) ([IVX]+)\b", lambda m: f"{m[1]} the {ordinal(roman(m[2]))}"),
    rule(rf"\b({_COUNTED}) ([IVXLC]+)\b", lambda m: f"{m[1]} {cardinal(roman(m[2]))}"),
    rule(r"\b(II|III|IV|VI|VII|VIII|IX|XI|XII|XIII|XIV|XV|XVI)\b", lambda m: cardinal(roman(m[1]))),
]
SYMBOLS: list[Rule] = [
    rule(r"(?<![α-ωΑ-Ω])[πΩ](?![α-ωΑ-Ω])", lambda m: _SYMBOLS[m[0]]),
    rule("[" + "".join(re.escape(s) for s in _SYMBOLS if s not in "πΩ") + "]", lambda m: _SYMBOLS[m[0]]),
]
