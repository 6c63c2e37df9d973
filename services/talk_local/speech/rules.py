"""What the reading rules share: a rule is a pattern and what to say for a match of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

# Marks a letter that is to be named, not read: a character that no text brings (it is taken out of every input).
LETTER = "\ue000"

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

# A number as written: thousands in groups of three, or of two as in India, and a fraction after a point.
NUMBER = r"(?:\d{1,3}(?:,\d{2,3})*,\d{3}|\d+)(?:\.\d+)?"
# Where a number may begin: not inside a word, a decimal or another number.
BEGIN = r"(?<![\w.,])"
END = r"(?![\w])"


def rule(pattern: str, say: Callable[[re.Match[str]], str] | str, flags: int = 0) -> Rule:
    """`say` is a function of the match, or what replaces it, with `\\1` as in `re.sub`."""
    if isinstance(say, str):
        template = say
        return re.compile(pattern, flags), lambda match: match.expand(template)
    return re.compile(pattern, flags), say


def apply(rules: Iterable[Rule], text: str) -> str:
    """Every rule in turn over the whole text."""
    for pattern, say in rules:
        text = pattern.sub(say, text)
    return text


def spelled(text: str) -> str:
    """Letters to be named: each with the mark before it."""
    return " ".join(f"{LETTER}{letter.lower()}" for letter in text if letter.isascii() and letter.isalpha())


def sentence_end(match: re.Match[str]) -> str:
    """A full stop when that of an abbreviation also ends the sentence: nothing, or a capital, follows."""
    follows = match.string[match.end() :]
    return "." if match[0].endswith(".") and re.match(r"\s*$|\s+[\"'(]?[A-Z]", follows) else ""
