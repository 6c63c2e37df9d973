"""Thoughts that a server without a reasoning parser leaves in the text, as a block at its head."""

from __future__ import annotations

from typing import Literal

# Tags of DeepSeek, Qwen and many others; Claude-like prompts; Gemma; Magistral; Kimi.
_TAGS = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
)


class ThoughtFilter:
    """Text in, reply out. A block counts only before the first word of the reply; a later mention is text.

    White space before the first word is held back, so that a reply of white space alone is an empty one;
    white space after a block is dropped. A block that is never closed is thought to its end.
    """

    def __init__(self) -> None:
        self._state: Literal["head", "inside", "reply"] = "head"
        self._held = ""
        self._close = ""
        self._after_block = False

    def feed(self, text: str) -> str:
        """What of the reply is known now: possibly nothing."""
        if self._replying:
            return text
        self._held += text
        while self._moved():
            pass
        return self._release() if self._replying else ""

    def end(self) -> str:
        """What was held back and turns out to be text: the beginning of a tag that never came."""
        return self._release() if self._state == "head" and self._held.strip() else ""

    @property
    def _replying(self) -> bool:
        return self._state == "reply"

    def _release(self) -> str:
        held, self._held = self._held, ""
        return held

    def _moved(self) -> bool:
        """Whether what is held was enough for the next state."""
        if self._state == "head":
            return self._head()
        return self._state == "inside" and self._inside()

    def _head(self) -> bool:
        start = self._held.lstrip()
        for opening, closing in _TAGS:
            if start.startswith(opening):
                self._state, self._close, self._held = "inside", closing, start[len(opening) :]
                return True
        if not start or any(opening.startswith(start) for opening, _ in _TAGS):
            return False
        self._held = start if self._after_block else self._held
        self._state = "reply"
        return True

    def _inside(self) -> bool:
        thought, closed, rest = self._held.partition(self._close)
        if closed:
            self._state, self._held, self._after_block = "head", rest, True
            return True
        self._held = thought[-len(self._close) :]
        return False
