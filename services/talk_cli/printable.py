"""Text for a terminal. A model's words or a log line must not steer it (colours, cursor, clipboard)."""

from __future__ import annotations

_KEPT = "\n\t"
_CONTROLS = {code: None for code in [*range(0x20), *range(0x7F, 0xA0)] if chr(code) not in _KEPT}


def printable(text: str) -> str:
    """The text without control characters; line ends and tabs stay."""
    return text.translate(_CONTROLS)
