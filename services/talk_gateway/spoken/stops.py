"""Does the stop at this place end the sentence?"""

from __future__ import annotations

from collections.abc import Callable

import regex

from talk_gateway.spoken.abbreviations import WITH_EXCLAMATION
from talk_gateway.spoken.following import Following, follow
from talk_gateway.spoken.items import item_before
from talk_gateway.spoken.letters import (
    ELLIPSIS,
    QUESTION_OR_CALL,
    STOP_RUN,
    is_caseless,
    is_lower,
    is_picture,
    word_before,
)
from talk_gateway.spoken.periods import ends_at_period, is_everyday_word
from talk_gateway.spoken.verdict import Verdict, cut, go_on, wait

_BRACKETS = {")": "(", "）": "（", "」": "「", "』": "『", "]": "["}
_OPENING = frozenset(_BRACKETS.values())
_PLAIN_MARKS = frozenset("!?")
_FACE = frozenset(":;=-8'")
_ASIDE = 200
"""Longest aside in brackets, in characters, that is kept whole with the sentence around it."""
_QUOTED_ON = regex.compile(r"と|って|、|，|,|との|という|など|を|が|は|に|の")
_ADDRESS = regex.compile(r"://|^www\.|@|/\S*$")
_OPENS_SENTENCE = frozenset('"“„«「『¿¡‘<*[')


def at_stop(text: str, start: int, final: bool) -> Verdict:
    """`text` begins where the piece begins; `start` is the first of a run of stops, or Greek's ; and Armenian's :.

    A row of a table ends with its line, whatever its cells hold.
    """
    run = STOP_RUN.match(text, start)
    if text.startswith("|"):
        return go_on(run.end() if run else start + 1)
    stop = run.end() if run else start + 1
    if _ends_whatever_follows(text, start, stop):
        return cut(stop)
    after = follow(text, start, stop, final)
    judge = _judge(text[start:stop])
    if not after.known and not final:
        return wait(after.close if _ends(after, judge) else 0)
    if judge is ends_at_period and not after.adjacent and (item := item_before(text, start)):
        return cut(item)
    answer = _ends(after, judge)
    if answer is None:
        return wait(after.close if _ends(after.without_next(), judge) else 0)
    return cut(after.close) if answer else go_on(stop)


def _ends_whatever_follows(text: str, start: int, stop: int) -> bool:
    """An everyday word, its stop and a space: the sentence need not wait for the word behind."""
    if text[stop : stop + 1] != " " or "«" in text[:start] or _in_aside(text, stop):
        return False
    if text[start:stop] == ".":
        return is_everyday_word(text, start)
    named = word_before(text, start).casefold() in WITH_EXCLAMATION
    marks = set(text[start:stop]) <= _PLAIN_MARKS
    return marks and not named and text[start - 1 : start].isalpha() and not _ADDRESS.search(word_before(text, start, 400))


def _ends(after: Following, judge: Callable[[Following], bool | None]) -> bool | None:
    if after.new_paragraph:
        return True
    if _in_aside(after.text, after.close):
        return False
    return judge(after)


def _judge(run: str) -> Callable[[Following], bool | None]:
    """None from a judge: the next word must be read to its end first."""
    marks = set(run)
    if marks & QUESTION_OR_CALL:
        return _ends_at_question
    if run == ".":
        return ends_at_period
    if marks <= ELLIPSIS:
        return _ends_at_ellipsis
    return _ends_at_own_stop


def _ends_at_question(after: Following) -> bool:
    following = after.next
    if not following:
        return True
    if following in ",;:" or (following == "[" and after.adjacent and after.text[after.stop - 1] == "!"):
        return False
    if not after.adjacent:
        named = word_before(after.text, after.start).casefold() in WITH_EXCLAMATION
        return not ((after.quoted or named) and is_lower(following))
    if _ADDRESS.search(word_before(after.text, after.start, 400)):
        return False
    return following.isupper() or is_caseless(following) or is_picture(following) or following in _OPENS_SENTENCE


def _ends_at_ellipsis(after: Following) -> bool:
    """Three dots are a pause. They end a sentence when nothing follows, or with a stop of its own before them."""
    following = after.next
    if not following:
        return True
    return after.text[after.start : after.stop].count(".") > 3 and not after.adjacent and following.isupper()


def _ends_at_own_stop(after: Following) -> bool:
    """Danda, 。 and the like, which no word contains."""
    following = after.next
    if not following:
        return True
    mark = after.text[after.start]
    if mark == "．" and after.adjacent and (following.isdigit() or following.isascii()):
        return False
    if mark == "។" and after.adjacent and following == "ល":
        return False
    if after.quoted and (is_lower(following) or _QUOTED_ON.match(after.text, after.close)):
        return False
    return following not in ",;、，"


def _in_aside(text: str, end: int) -> bool:
    """Is a bracket open that was opened inside the sentence? 'He left (it was late. Very late.) and slept.'"""
    missing: dict[str, int] = {}
    for at in range(end - 1, max(-1, end - 1 - _ASIDE), -1):
        character = text[at]
        if character in _BRACKETS:
            opening = _BRACKETS[character]
            missing[opening] = missing.get(opening, 0) + 1
        elif character in _OPENING:
            if missing.get(character, 0):
                missing[character] -= 1
            elif not (at and text[at - 1] in _FACE):
                return any(letter.isalpha() for letter in text[:at])
    return False
