"""What stands behind a stop: marks that close the sentence, then white space, then the next word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import regex

from talk_gateway.spoken.letters import QUESTION_OR_CALL, STOP_RUN, UNBOUND, line_ends, skip_space

_CLOSING = frozenset(")]}）］｝」』】》〉〕〗”’›»」﹂﹄")
_EITHER_WAY = frozenset("\"'*_~“‘«‹„")
_MARKUP = frozenset("*_~")
_MOST_CLOSING = 32
_EXTENDS = regex.compile(r"\p{Grapheme_Extend}|\u200d|\p{Mc}|\p{Emoji_Modifier}")
_FOOTNOTE = regex.compile(r"\[\^?\d{1,3}\]|[⁰¹²³⁴-⁹]+|【[^】]{0,40}】")
_FOOTNOTE_BEGUN = regex.compile(r"(?:\[\^?\d{0,3}|【[^】]{0,40})\Z")
_TAG = regex.compile(r"</[A-Za-z][A-Za-z0-9]{0,9}>")
_TAG_BEGUN = regex.compile(r"<(?:/[A-Za-z0-9]{0,10})?\Z")
_WORD = regex.compile(r"[\p{L}\p{M}\p{Nd}]+(?:['’]\p{L}+)?")


@dataclass(frozen=True)
class Following:
    """`text[start:stop]` is the run of stops, `close` where its sentence would end, `next_at` the next character.

    `known` is False when the text ends before the next character is certain.
    """

    text: str
    start: int
    stop: int
    close: int
    next_at: int
    known: bool
    final: bool

    @property
    def next(self) -> str:
        """The next character, or '' at the end of the text."""
        return self.text[self.next_at] if self.known and self.next_at < len(self.text) else ""

    @property
    def adjacent(self) -> bool:
        return not any(character.isspace() for character in self.text[self.close : self.next_at])

    @property
    def quoted(self) -> bool:
        """A quotation mark, a bracket or a mark of Markdown was closed behind the stop."""
        return self.close > self.stop

    @cached_property
    def new_paragraph(self) -> bool:
        return line_ends(self.text, self.close, self.next_at) > 1

    @cached_property
    def next_word(self) -> str | None:
        """The next word, '' if there is none, None while its end has not come (a word has at most 16 letters here)."""
        word = _WORD.match(self.text, self.next_at)
        if word is None:
            return ""
        seen = len(self.text) - (self.text[word.end() : word.end() + 1] in ("'", "’"))
        return str(word.group()) if self.final or word.end() < seen or word.end() - self.next_at > 16 else None

    @property
    def behind_next_word(self) -> str:
        """The character behind `next_word`."""
        word = _WORD.match(self.text, self.next_at)
        return self.text[word.end() : word.end() + 1] if word else ""

    def without_next(self) -> Following:
        return replace(self, known=False)


def follow(text: str, start: int, stop: int, final: bool) -> Following:
    close = _closed(text, stop)
    at = skip_space(text, close)
    known = at < len(text) or at - close > UNBOUND
    if known and at - close <= UNBOUND:
        close, at, known = _after_space(text, start, close, at)
    return Following(text, start, stop, close, at, known, final)


def _after_space(text: str, start: int, close: int, at: int) -> tuple[int, int, bool]:
    """French puts a space before » and before each mark of '? !'; emphasis hides the case of the next letter."""
    while at < len(text) and at - close == 1 and not line_ends(text, close, at):
        if text[at] in "»›" and at + 1 == len(text):
            return close, at, False
        if text[at] in "»›" and not text[at + 1].isalnum():
            close = _closed(text, at + 1)
        elif _repeats(text[start], text[at]):
            run = STOP_RUN.match(text, at)
            close = _closed(text, run.end() if run else at + 1)
        else:
            break
        at = skip_space(text, close)
    bound = at + _MOST_CLOSING
    while at < min(len(text), bound) and text[at] in _MARKUP:
        at += 1
    return close, at, at < len(text)


def _repeats(stop: str, mark: str) -> bool:
    """A mark behind a space that still belongs to the stop: '? !', and Tibetan's two shads."""
    return (stop in QUESTION_OR_CALL and mark in QUESTION_OR_CALL) or (stop == mark == "།")


def _closed(text: str, at: int) -> int:
    """The end of the marks that belong to the sentence. Reaching the end of the text leaves it open."""
    bound = at + _MOST_CLOSING
    while at < min(len(text), bound):
        character = text[at]
        if character in _CLOSING or _EXTENDS.match(character) or (character in _EITHER_WAY and _closes(text, at)):
            at += 1
        elif note := _FOOTNOTE.match(text, at) or _TAG.match(text, at):
            at = note.end()
        elif _FOOTNOTE_BEGUN.match(text, at) or _TAG_BEGUN.match(text, at):
            return len(text)
        else:
            break
    return at


def _closes(text: str, at: int) -> bool:
    """A mark that opens as well as closes: it closes before anything but a word, or when one of its kind is open."""
    end = at
    while end < min(len(text), at + _MOST_CLOSING) and text[end] in _EITHER_WAY:
        end += 1
    if end == len(text) or not (text[end].isalnum() or text[end] in "([¿¡`"):
        return True
    return text[at] in "\"'*_~" and text.count(text[at], 0, at) % 2 == 1
