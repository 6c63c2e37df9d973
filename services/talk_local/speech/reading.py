"""Written English to words: what a person would say on reading the text aloud."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from talk_local.speech import abbreviations, addresses, codes, dates, money, quantities
from talk_local.speech.rules import LETTER, Rule, apply, rule

MARKS = frozenset(".,;:!?")

_PREPARE: list[Rule] = [
    rule(r"(?m)^\s*(?:[-*•]\s+|#{1,6}\s+)", ""),
    rule(r"(?m)^\s*(\d{1,2})[.)]\s+(?=\S)", r"\1, "),
    rule(r"[‘’ʼ`´]", "'"),
    rule(r"[“”„«»]", '"'),
    rule(r"[。．｡]", ". "),
    rule(r"[、，]", ", "),
    rule(r"…|\.\.\.+", ". "),
    rule(r"\s*[—―]\s*|(?<!\d)\s+[-–]\s+|\s+--?\s+(?!\d)|(?<=[A-Za-z])--(?=[A-Za-z])", ", "),
    rule(r"(?<=\w)\s*\n\s*", ". "),
    rule(r"\s+", " "),
]
_SAY: list[Rule] = [
    *addresses.RULES,
    *money.RULES,
    *dates.RULES,
    *codes.RULES,
    *abbreviations.RULES,
    *quantities.RULES,
    *abbreviations.SYMBOLS,
]
_FINISH: list[Rule] = [
    rule(r"[()\[\]{}]|(?<=\w)\s+[-–]+\s+", ", "),
    rule(r"[\"_*|\\^~<>/•·]", " "),
]
_WORD = r"[^\W\d_]+(?:['-][^\W\d_]+)*'?"
_TOKEN = re.compile(rf"{LETTER}[a-z](?:'?s\b)?|{_WORD}|[.,;:!?]")


# Latin letters that do not come apart into a plain one and an accent.
_UNACCENTED = str.maketrans(
    {"ß": "ss", "æ": "ae", "Æ": "Ae", "ø": "o", "Ø": "O", "œ": "oe"}
    | {"đ": "d", "ł": "l", "Ł": "L", "ı": "i", "þ": "th", "ð": "d"}
)


def spoken(text: str) -> list[str]:
    """Words and marks in the order in which they are said; no word when nothing of the text can be said.

    Letters that no English voice can say (other scripts, emoji) are left out. Capitals are kept, they tell
    acronyms from words; only a text that is all in capitals is read as if it were not.
    """
    text = unicodedata.normalize("NFC", text).replace(LETTER, "")
    text = _ascii_digits(text.lower() if _shouted(text) else text)
    for rules in (_PREPARE, _SAY, _FINISH):
        text = apply(rules, text)
    return _without_doubled_marks(filter(None, map(_latin, _TOKEN.findall(text))))


def _shouted(text: str) -> bool:
    words = re.findall(r"[^\W\d_]{2,}", text)
    return len(words) > 2 and text.isupper()


def _ascii_digits(text: str) -> str:
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _latin(token: str) -> str:
    """The token in plain Latin letters; empty when it has none."""
    if token.isascii() or token[0] == LETTER:
        return token
    plain = unicodedata.normalize("NFKD", token.translate(_UNACCENTED))
    return plain.encode("ascii", "ignore").decode().strip("'-")


def _without_doubled_marks(tokens: Iterable[str]) -> list[str]:
    """One mark at a time, none at the start: of several the first that is no comma, else the comma."""
    kept: list[str] = []
    for token in tokens:
        if token in MARKS and (not kept or kept[-1] in MARKS):
            if kept and kept[-1] == ",":
                kept[-1] = token
            continue
        kept.append(token)
    return kept
