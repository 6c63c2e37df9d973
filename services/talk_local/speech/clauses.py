"""Where a text is cut so that its first sound comes early: the first clause, then whole sentences."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 220  # characters of a part; the voice's time grows with it, and nothing is heard until a part is done
FIRST_AT_LEAST = 14  # characters of a first clause; a shorter one ends before the next part is ready
REST_AT_LEAST = 12
SENTENCE_PAUSE = 0.22  # seconds, on top of the 0.2 s with which the voice itself ends and begins a part

_ABBREVIATED = (
    "Dr|Mr|Mrs|Ms|Prof|St|Mt|Rev|Gen|Col|Capt|Lt|Sgt|Gov|Sen|Rep|No|vs|etc|e\\.g|i\\.e|approx|fig|Jan|Feb|Mar|Apr|Jun|Jul|"
    "Aug|Sept?|Oct|Nov|Dec|Mon|Tues?|Wed|Thurs?|Fri|Sat|Sun|Rs|[A-Z]|(?:[A-Za-z]\\.)+[A-Za-z]|p"
)
_NOT_AN_END = re.compile(rf"(?:^|[\s(\"'])(?:{_ABBREVIATED}|\d{{1,2}})\.$", re.IGNORECASE)
_END = re.compile(r"[.!?…。！？।]+[\"'”’)\]]*(?:\s+|(?<=[。！？।])|$)|\n\s*")
_CLAUSE = re.compile(r"[,;:—–、，；：](?=\s)|(?<=\s)[-–—](?=\s)")


class Part(NamedTuple):
    """A piece of text to be said in one breath, and the silence before it in seconds."""

    text: str
    pause: float


def parts(text: str) -> list[Part]:
    """The text in order, without loss but for white space; each part has at most `LONGEST` characters."""
    found: list[Part] = []
    for sentence in sentences(text):
        pieces = _bounded(sentence)
        if not found:
            pieces = [*_first_clause(pieces[0]), *pieces[1:]]
        for at, piece in enumerate(pieces):
            found.append(Part(piece, SENTENCE_PAUSE if found and not at else 0.0))
    return found


def sentences(text: str) -> list[str]:
    """Sentences without the white space around them. Abbreviations, initials and list numbers end none."""
    found, begin = [], 0
    for match in _END.finditer(text):
        sentence = text[begin : match.end()].strip()
        if sentence and not ("\n" not in match[0] and match.end() < len(text) and _NOT_AN_END.search(sentence)):
            found.append(sentence)
            begin = match.end()
    rest = text[begin:].strip()
    return [*found, rest] if rest else found


def _first_clause(sentence: str) -> list[str]:
    for match in _CLAUSE.finditer(sentence):
        head, tail = sentence[: match.end()].strip(), sentence[match.end() :].strip()
        if len(head) >= FIRST_AT_LEAST and len(tail) >= REST_AT_LEAST:
            return [head, tail]
    return [sentence]


def _bounded(sentence: str) -> list[str]:
    """A long sentence in pieces: cut behind its last clause mark in reach, else at a space, else anywhere."""
    pieces = []
    while len(sentence) > LONGEST:
        window = sentence[:LONGEST]
        cuts = [match.end() for match in _CLAUSE.finditer(window) if match.end() > LONGEST // 4]
        cut = cuts[-1] if cuts else window.rfind(" ")
        cut = cut if cut > 0 else LONGEST
        pieces.append(sentence[:cut].strip())
        sentence = sentence[cut:].strip()
    return [*pieces, sentence]
