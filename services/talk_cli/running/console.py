"""What people see: the processes' logs under their names, what is waited for, and one line when all is ready.

On a terminal JSON lines are condensed and coloured; into a file or a pipe they go as they are.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

from talk_cli.printable import printable

_COLOURS = (36, 35, 32, 34, 33, 96, 95, 92, 94, 93)
_LEVELS = {"warning": 33, "error": 31, "critical": 31}
_TAKEN = frozenset(["timestamp", "level", "message", "service", "module", "exception", "logger"])
_CLEAR = "\r\x1b[K"


class Stream(Protocol):
    """A text file, such as standard output."""

    def write(self, text: str, /) -> object: ...
    def flush(self) -> None: ...
    def isatty(self) -> bool: ...


class Console:
    """Writes to one stream. `progress` is one line that is overwritten; elsewhere it is a line for each change."""

    def __init__(self, stream: Stream, environ: Mapping[str, str], names: list[str]) -> None:
        self._stream = stream
        self.terminal = stream.isatty() and environ.get("TERM") != "dumb"
        self._colour = self.terminal and not environ.get("NO_COLOR")
        self._width = max(map(len, [*names, "talk"]))
        self._colours = {name: _COLOURS[index % len(_COLOURS)] for index, name in enumerate(names)}
        self._progress = ""

    def line(self, name: str, text: str) -> None:
        """A line that a process wrote."""
        text = printable(text)
        event = _event(text)
        if event is None:
            self._write(f"{self._prefix(name)}{text}")
        elif self.terminal:
            self._write("\n".join(self._prefix(name) + part for part in self._condensed(event)))
        else:
            self._write(text)

    def say(self, text: str) -> None:
        """Something that `talk run` itself has to tell."""
        self._write(f"{self._prefix('talk')}{text}")

    def progress(self, text: str) -> None:
        """What is waited for; an empty text ends it."""
        if text == self._progress:
            return
        self._progress = text
        if not self.terminal:
            if text:
                self._write(f"{self._prefix('talk')}{text}")
            return
        with suppress(OSError):
            self._show_progress(_CLEAR)
            self._stream.flush()

    def _write(self, text: str) -> None:
        with suppress(OSError):  # nobody reads any more; the processes run on
            self._stream.write(f"{_CLEAR if self.terminal else ''}{text}\n")
            if self.terminal:
                self._show_progress("")
            self._stream.flush()

    def _show_progress(self, before: str) -> None:
        columns = shutil.get_terminal_size().columns
        self._stream.write(before + (self._paint(self._progress[: columns - 1], 2) if self._progress else ""))

    def _prefix(self, name: str) -> str:
        return self._paint(f"{name:>{self._width}} | ", self._colours.get(name, 1))

    def _paint(self, text: str, colour: int) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._colour else text

    def _condensed(self, event: dict[str, Any]) -> list[str]:
        level = str(event.get("level", ""))
        message = printable(str(event.get("message", "")))
        members = printable(" ".join(f"{name}={value}" for name, value in event.items() if name not in _TAKEN))
        time = str(event.get("timestamp", ""))[11:19]
        head = self._paint(f"{level}: {message}" if level in _LEVELS else message, _LEVELS.get(level, 0))
        lines = [f"{time} {head} {self._paint(members, 2) if members else ''}".strip()]
        return lines + [f"  {line}" for line in printable(str(event.get("exception", ""))).splitlines()]


def _event(text: str) -> dict[str, Any] | None:
    """The JSON object of a log line, or None for any other text."""
    if not text.startswith("{"):
        return None
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
