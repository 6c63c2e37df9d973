"""Blocks of any length that are shown but never read: code fences and reasoning. Fed piecewise, in linear time."""

from __future__ import annotations

from typing import Protocol

import regex


class SilentBlock(Protocol):
    def feed(self, text: str) -> str | None:
        """Takes the block's text; what stands behind its end, None while it goes on."""

    def text(self) -> str:
        """All that belongs to the block so far."""


class Reasoning:
    """`<think>` up to its closing tag."""

    def __init__(self, tag: str) -> None:
        self._closing = regex.compile(rf"</{tag}>", regex.IGNORECASE)
        self._longest = len(tag) + 3
        self._parts: list[str] = []
        self._tail = ""

    def feed(self, text: str) -> str | None:
        window = self._tail + text
        closing = self._closing.search(window)
        if closing:
            self._parts.append(text[: closing.end() - len(self._tail)])
            return window[closing.end() :]
        self._parts.append(text)
        self._tail = window[-self._longest :]
        return None

    def text(self) -> str:
        return "".join(self._parts)


class Fence:
    """Code up to a line of nothing but the mark that opened it, or more of the same."""

    def __init__(self, mark: str) -> None:
        self._closing = regex.compile(rf"[ \t>]*{mark[0]}{{{len(mark)},}}[ \t\r]*\n")
        self._parts: list[str] = []
        self._line: list[str] = []
        self._opened = False

    def feed(self, text: str) -> str | None:
        at = 0
        while (end := text.find("\n", at)) >= 0:
            line = "".join((*self._line, text[at : end + 1]))
            self._line.clear()
            self._parts.append(line)
            at = end + 1
            if self._opened and self._closing.fullmatch(line):
                return text[at:]
            self._opened = True
        self._line.append(text[at:])
        return None

    def text(self) -> str:
        return "".join((*self._parts, *self._line))
