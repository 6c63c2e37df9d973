"""Small repairs of what a small model hears."""

from __future__ import annotations

import re

# Two words or more, three times or more in a row: "of the 100% of the 100% of the 100%".
_LOOP = re.compile(r"\b(\S+(?:\s+\S+){1,7}?)(?:[\s,;]+\1){2,}(?=\W|$)", re.IGNORECASE)
_STUTTER = re.compile(r"\b(\w+)(?:[\s,]+\1){5,}\b", re.IGNORECASE)
_OLD_SPELLING = re.compile(r"\b(to)-(?=day|morrow|night)", re.IGNORECASE)


def tidy(text: str) -> str:
    """One line as it was meant: no quote that never closes, no loop, no doubled comma."""
    text = " ".join(text.split())
    text = _LOOP.sub(r"\1", text)
    text = _STUTTER.sub(r"\1", text)
    text = re.sub(r"([,.;:])[,;:]+", r"\1", text)
    text = re.sub(r"(?<=\w)\.\.(?!\.)", ".", text)
    text = _OLD_SPELLING.sub(r"\1", text)
    return _without_stray_quotes(text)


def _without_stray_quotes(text: str) -> str:
    """The model opens quotations that are none: `"'My train...`."""
    text = re.sub(r"^[\"“]?'(?=[A-Z])", "", text) if text.count("'") % 2 or text.startswith(("\"'", "“'")) else text
    if text.startswith(('"', "“")) and not re.search(r"[\"”]", text[1:-1]):
        text = text.strip('"“”')
    return re.sub(r"(?<=[.!?])['\"]+$", "", text) if not re.search(r"(?:^|\s)[\"“']", text) else text
