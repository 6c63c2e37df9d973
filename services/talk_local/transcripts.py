"""Small repairs of what a small model hears."""

from __future__ import annotations

import re

# Two words or more, three times or more in a row: "of the 100% of the 100% of the 100%".
_LOOP = re.compile(r"\b(\S+(?:\s+\S+){1,7}?)(?:[\s,;]+\1){2,}(?=\W|$)", re.IGNORECASE)
_STUTTER = re.compile(r"\b(\w+)(?:[\s,]+\1){5,}\b", re.IGNORECASE)
_OLD_SPELLING = re.compile(r"\b(to)-(?=day|morrow|night)", re.IGNORECASE)

_OPENING = re.compile(r"^[\"“]?'(?!(?:Tis|Twas|Cause|Til)\b)(?=[A-Z])")
_CLOSING = re.compile(r"(?<=[.!?])['\"]+$")


def tidy(text: str) -> str:
    """One line as it was meant: no quote that never closes, no loop, no doubled comma."""
    text = " ".join(text.split())
    text = _STUTTER.sub(r"\1", text)
    text = _LOOP.sub(r"\1", text)
    text = re.sub(r"([,.;:])[,;:]+", r"\1", text)
    text = re.sub(r"(?<=\w)\.\.(?!\.)", ".", text)
    text = _OLD_SPELLING.sub(r"\1", text)
    return _without_stray_quotes(text)


def _without_stray_quotes(text: str) -> str:
    """The model opens quotations that it never closes, or closes around the whole line: `"'My train...`."""
    text = _OPENING.sub("", text)
    if text.startswith(('"', "“")) and not re.search('["”]', text[1:-1]):
        text = text.strip('"“”')
    return text if re.search("(?:^|\\s)[\"“']", text) else _CLOSING.sub("", text)
