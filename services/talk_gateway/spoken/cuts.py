"""Cuts that no stop asks for: of a text without stops at its bound, and of the first clause of a turn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import regex

from talk_gateway.spoken.letters import ELLIPSIS, QUESTION_OR_CALL
from talk_gateway.spoken.periods import belongs_to_next

Span = tuple[int, int]
CONTEXT = 3
"""Characters behind the bound that a forced cut may look at; the splitter waits for them."""

_SPACES = regex.compile(r"\s+")
_CLAUSE_MARK = frozenset(",;:—–،؛၊፣՝·，、；：")
_WIDE_CLAUSE_MARK = regex.compile(r"[，、；：၊]+(?![\d，、；：\"'”’」』）]|\Z)")
_CLAUSE_END = regex.compile(r"(?<=[^\s\d.][,;:،؛፣]|\d[,;:،؛፣]|\s[—–]|[^\s\d]—)(?=\s+[^\s\d.,;:!?»)])")
_CLUSTER = regex.compile(r"\X")
_WORD = regex.compile(r"[A-Za-z0-9.,:/@_%$€£₹-]")
_MARK_AFTER_SPACE = frozenset("!?;:»%‰°€£₽₹$›")
_LOOK_BACK = 80


def forced_cut(text: str, bound: int, spans: Sequence[Span]) -> int:
    """Where to cut `text`, which is longer than `bound` and has no boundary up to there: 1 to `bound`, or, where one
    protected unit is itself longer, its end."""
    if spans and spans[0][0] == 0 and spans[0][1] > bound:
        return int(spans[0][1])
    spaces = [space.start() for space in _SPACES.finditer(text, 1, bound + 1) if space.start() <= bound]
    spaces = [at for at in spaces if not _inside(at, spans)]
    for good in (_is_pause, _is_clause, _is_loose, _is_any):
        least = bound // 2 if good in (_is_pause, _is_clause) else 0
        for at in reversed(spaces):
            if at > least and good(text, at):
                return at
    return _between_clusters(text, bound, spans)


def clause_cut(text: str, least: int, bound: int, spans: Sequence[Span]) -> int:
    """The last end of a clause in `text` of at least `least` columns, 0 if there is none."""
    if text.startswith("|"):
        return 0
    found = 0
    for mark in (*_CLAUSE_END.finditer(text, 0, bound), *_WIDE_CLAUSE_MARK.finditer(text, 0, bound)):
        at = mark.end()
        if at > found and _columns(text[:at]) >= least and not _inside(at, spans) and not _in_brackets(text[:at]):
            found = at
    return found


def _columns(text: str) -> int:
    """Characters, where one of Chinese or Japanese says as much as two letters."""
    return len(text) + len(regex.findall(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]", text))


def _in_brackets(text: str) -> bool:
    return text.count("(") > text.count(")") or text.count("（") > text.count("）")


def _inside(at: int, spans: Sequence[Span]) -> bool:
    before = bisect_right(spans, (at, 0)) - 1
    return before >= 0 and spans[before][0] < at < spans[before][1]


def _is_pause(text: str, at: int) -> bool:
    mark = text[at - 1]
    if mark in ELLIPSIS and text[at - 2 : at - 1] not in ELLIPSIS:
        return mark == "." and _is_loose(text, at)
    return mark in ELLIPSIS or mark in QUESTION_OR_CALL


def _is_clause(text: str, at: int) -> bool:
    return text[at - 1] in _CLAUSE_MARK and _is_loose(text, at)


def _is_loose(text: str, at: int) -> bool:
    """A space that joins nothing: neither groups of a number, nor a mark or unit to its word, nor an abbreviation."""
    before, after = text[at - 1], text[at : at + CONTEXT].lstrip()[:1]
    if after and (after in _MARK_AFTER_SPACE or (after.isdigit() and (before.isdigit() or before in ",№$€£₹«"))):
        return False
    return not (before == "." and belongs_to_next(text, at - 1)) and before != "«"


def _is_any(_text: str, _at: int) -> bool:
    return True


def _between_clusters(text: str, bound: int, spans: Sequence[Span]) -> int:
    ends = [cluster.start() for cluster in _CLUSTER.finditer(text, 0, bound + 1)]
    ends = [at for at in ends if 0 < at <= bound]
    free = [at for at in ends if not _inside(at, spans)]
    near = [at for at in free if at > bound - _LOOK_BACK]
    for good in (_behind_wide_mark, _between_words):
        for at in reversed(free if good is _behind_wide_mark else near):
            if (at > bound // 2) and good(text, at):
                return at
    return (free or ends or [bound])[-1]


def _behind_wide_mark(text: str, at: int) -> bool:
    return text[at - 1] in "，、；：၊" and not text[at].isdigit()


def _between_words(text: str, at: int) -> bool:
    return not (_WORD.match(text[at - 1]) and _WORD.match(text[at]))
