"""Thoughts that a server without a reasoning parser leaves in the text, as a block at its head."""

from __future__ import annotations

import re
from typing import Literal

# Tags of DeepSeek, Qwen and many others; Claude-like prompts; Gemma; Magistral; Kimi.
_TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
)


_SPACE = re.compile(r"\s*")
_LONGEST_TAG = max(len(tag) for tags in _TAGS for tag in tags)
# White space before the first word that is kept: a model that writes nothing else is not to fill the memory.
_MOST_SPACE = 4096


class ThoughtFilter:
    """Text in, reply out. A block counts only before the first word of the reply; a later mention is text.

    White space before the first word is held back, so that a reply of white space alone is an empty one;
    white space after a block is dropped. A block that is never closed is thought to its end.
    """

    def __init__(self) -> None:
        self._state: Literal["head", "inside", "reply"] = "head"
        self._held = ""  # a tag's beginning at the most, between two calls
        self._at = 0
        self._space: list[str] = []
        self._spaces = 0
        self._close = ""
        self._after_block = False

    def feed(self, text: str) -> str:
        """What of the reply is known now: possibly nothing."""
        if self._replying:
            return text
        self._held += text
        while self._moved():
            pass
        self._held, self._at = self._held[self._at :], 0
        return self._release() if self._replying else ""

    def end(self) -> str:
        """What was held back and turns out to be text: the beginning of a tag that never came."""
        return self._release() if self._state == "head" and self._held else ""

    @property
    def _replying(self) -> bool:
        return self._state == "reply"

    def _release(self) -> str:
        released = "".join(self._space) + self._held
        self._held, self._space = "", []
        return released

    def _moved(self) -> bool:
        """Whether what is held was enough for the next state."""
        if self._state == "head":
            return self._head()
        return self._state == "inside" and self._inside()

    def _head(self) -> bool:
        self._skip_space()
        for opening, closing in _TAGS:
            if self._held.startswith(opening, self._at):
                self._state, self._close, self._space = "inside", closing, []
                self._at += len(opening)
                return True
        start = self._held[self._at : self._at + _LONGEST_TAG + 1]
        if any(opening.startswith(start) for opening, _ in _TAGS):  # also where nothing is left
            return False
        self._state = "reply"
        return True

    def _skip_space(self) -> None:
        found = _SPACE.match(self._held, self._at)
        assert found
        self._at = found.end()
        if found[0] and not self._after_block and self._spaces < _MOST_SPACE:
            self._space.append(found[0][: _MOST_SPACE - self._spaces])
            self._spaces += len(found[0])

    def _inside(self) -> bool:
        end = self._held.find(self._close, self._at)
        if end >= 0:
            self._state, self._at, self._after_block = "head", end + len(self._close), True
            return True
        self._at = max(self._at, len(self._held) - len(self._close))
        return False
