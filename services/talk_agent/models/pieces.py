"""What a model's stream is made of, once read: the one vocabulary between parsers, merging and ADK."""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple

from talk_kit.errors import TalkError

Finish = Literal["stop", "length", "content_filter", "tool_calls"]


class Text(NamedTuple):
    """The next characters of the reply, byte-exact."""

    text: str


class Reasoning(NamedTuple):
    """The model thinks. Never spoken, stored or returned; it counts as life for the idle time-out."""

    text: str


class Calling(NamedTuple):
    """A fragment of a tool call has come; the whole call follows at the end as `ToolCall`."""


class ToolCall(NamedTuple):
    """A whole call. `arguments` is None where they are not a JSON object: such a call is never run."""

    id: str
    name: str
    arguments: dict[str, Any] | None


class Usage(NamedTuple):
    """Tokens that the provider counted."""

    input_tokens: int
    output_tokens: int


class Finished(NamedTuple):
    """The good end. `tool_calls` only says what the provider said: the calls themselves are what counts."""

    reason: Finish


class Failed(NamedTuple):
    """The bad end, after whatever was said before it."""

    error: TalkError


Piece = Text | Reasoning | Calling | ToolCall | Usage | Finished | Failed

CALLING = Calling()

# Half of a character beyond U+FFFF, as JSON's escapes can have it alone. No UTF-8 holds it.
HALF = re.compile("[\ud800-\udfff]")


def whole_characters(text: str) -> str:
    """Halves that belong together as the character that they are, others as U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
