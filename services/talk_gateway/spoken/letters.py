"""Classes of characters, for scripts with and without capitals."""

from __future__ import annotations

import regex

# Sentence_Terminal lacks the shad of Tibetan and two marks of South Asia, and holds Burmese's comma.
STOP = r"[[\p{Sentence_Terminal}…‥⋯།༎༏༑෴๛]--[၊]]"
STOP_RUN = regex.compile(rf"{STOP}(?:{STOP}|[\p{{M}}\u200d]){{0,63}}", regex.V1)
QUESTION_OR_CALL = frozenset("!?‽‼⁇⁈⁉⸘")
ELLIPSIS = frozenset(".…‥⋯")
SPACE = regex.compile(r"\s*")
LINE_END = regex.compile(r"\r\n|[\n\r\v\f\x85\u2028\u2029]")
VOICED = regex.compile(r"[\p{L}\p{N}]")
UNBOUND = 64
"""Characters of white space after a stop that are read before the next word no longer matters."""


def is_lower(character: str) -> bool:
    """A small letter that can open no sentence. Georgian's letters have capitals, but no sentence begins with one."""
    return character.islower() and character.title() != character


def is_caseless(character: str) -> bool:
    return character.isalpha() and not character.isupper() and not is_lower(character)


def is_picture(character: str) -> bool:
    return regex.match(r"[\p{Extended_Pictographic}\p{Regional_Indicator}]", character) is not None


def skip_space(text: str, at: int) -> int:
    """The first index from `at` on that holds no white space (as `str.isspace` has it)."""
    while at < len(text) and text[at].isspace():
        at += 1
    return at


def line_ends(text: str, start: int, end: int) -> int:
    return len(LINE_END.findall(text, start, end))


def word_before(text: str, at: int, bound: int = 64) -> str:
    """The characters without white space that end at `at`, at most `bound` of them."""
    start = at
    while start > 0 and at - start < bound and not text[start - 1].isspace():
        start -= 1
    return text[start:at]
