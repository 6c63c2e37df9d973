"""An OpenAI-compatible streamed answer: bytes in, typed pieces out. Pure: no clock, no I/O.

What real providers send is wider than the format; the corpus is tests/cases/sse.jsonl. Rules:

- An answer is complete with a finish reason or `[DONE]`. With neither it has failed.
- An error in the stream is an error, unless the answer had already finished.
- Only the first choice counts. Events without data, `{}` and pings are none.
- A whole JSON answer (not a stream) is read too: some servers ignore `stream`, and errors come so with status 200.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from typing import Any

import orjson

from talk_agent.models import failures
from talk_agent.models.pieces import (
    CALLING,
    HALF,
    Failed,
    Finish,
    Finished,
    Piece,
    Reasoning,
    Text,
    Usage,
    whole_characters,
)
from talk_agent.models.thoughts import ThoughtFilter
from talk_agent.models.tool_calls import CallAssembler
from talk_kit.errors import ProviderFailed, TalkError
from talk_kit.sse import EventReader, ServerSentEvent

# The longest event or whole JSON answer, in bytes. A data: URL or a big tool argument stays far below.
LONGEST_EVENT = 4 << 20

_FINISH: dict[str, Finish] = {
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "max_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "prohibited_content": "content_filter",
    "sensitive": "content_filter",
    "blocked": "content_filter",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
}
# Reasons that say: this is no end, the server gave up.
_BROKEN = ("error", "abort", "aborted", "cancelled", "insufficient_system_resource", "network_error")
_PINGS = ("ping", "heartbeat", "keepalive", "keep-alive", "keep_alive")
_ERROR_MEMBERS = ("detail", "errors", "message", "error_message", "error_msg")
_REASONING_MEMBERS = ("reasoning_content", "reasoning", "thinking", "reasoning_details")
_REASONING_PARTS = ("thinking", "reasoning", "reasoning_content")


class DeltaReader:
    """Chunks of an answer, already parsed, in; pieces out. One for each answer. `taken`: see `CallAssembler`."""

    def __init__(self, taken: Set[str] = frozenset()) -> None:
        self.finish: Finish | None = None
        self.done = False
        self.error: TalkError | None = None
        self._usage: Usage | None = None
        self._calls = CallAssembler(taken)
        self._thoughts = ThoughtFilter()
        self._surrogate = ""
        self._said = False

    @property
    def complete(self) -> bool:
        """Whether the answer has ended well: what breaks after that does no harm."""
        return self.finish is not None or self.done

    @property
    def over(self) -> bool:
        """Whether there is nothing more to read: `end` has the rest."""
        return self.done or self.error is not None

    def chunk(self, data: Any) -> list[Piece]:
        """The pieces of one chunk."""
        if self.over:
            return []
        if isinstance(data, list) and data and isinstance(data[0], dict):
            data = data[0]  # Google wraps errors in a list
        return list(self._chunk(data)) if isinstance(data, dict) else []

    def fail(self, error: TalkError) -> None:
        """Ends the answer badly, unless it was complete."""
        if not self.complete:
            self.error = self.error or error

    def end(self) -> list[Piece]:
        """The rest: held text, the whole calls, usage and the finish; or the failure of an answer that is cut."""
        if not self.complete:
            return [Failed(self.error or failures.broken_off())]
        rest = self._thoughts.end() + ("\ufffd" if self._surrogate else "")
        pieces: list[Piece] = [Text(rest)] if rest else []
        pieces += self._calls.calls()
        pieces += [self._usage] if self._usage else []
        return [*pieces, Finished(self.finish or "stop")]

    def _chunk(self, data: dict[str, Any]) -> Iterator[Piece]:
        if _is_error(data):
            self.fail(failures.in_band(data.get("error") or data))
            return
        if isinstance(usage := data.get("usage"), dict):
            self._usage = _usage(usage) or self._usage
        choices = data.get("choices")
        for choice in choices if isinstance(choices, list) else [choices]:
            if isinstance(choice, dict) and choice.get("index") in (0, None, "0"):
                yield from self._choice(choice)

    def _choice(self, choice: dict[str, Any]) -> Iterator[Piece]:
        yield from self._delta(self._body(choice))
        reason = choice.get("finish_reason")
        if not isinstance(reason, str) or not reason:
            return
        if reason.lower() in _BROKEN:
            self.fail(failures.in_band(reason))
        elif self.finish in (None, "stop"):
            self.finish = _FINISH.get(reason.lower(), "stop")

    def _body(self, choice: dict[str, Any]) -> dict[str, Any]:
        """The delta; or the message of an answer that was not streamed, unless it repeats what was streamed."""
        delta, message, text = choice.get("delta"), choice.get("message"), choice.get("text")
        if isinstance(delta, dict) and delta:
            return delta
        if isinstance(message, dict) and not self._said:
            return message
        return {"content": text} if isinstance(text, str) and not self._said else {}

    def _delta(self, delta: dict[str, Any]) -> Iterator[Piece]:
        for name in _REASONING_MEMBERS:
            if thought := delta.get(name):
                yield Reasoning(thought if isinstance(thought, str) else "")
        if content := delta.get("content"):
            yield from self._content(content)
        if isinstance(refusal := delta.get("refusal"), str) and refusal:
            yield from self._text(refusal)
        if (delta.get("tool_calls") and self._calls.add(delta["tool_calls"])) or (
            delta.get("function_call") and self._calls.add_legacy(delta["function_call"])
        ):
            self._said = True
            yield CALLING

    def _content(self, content: Any) -> Iterator[Piece]:
        """A string, or a list of parts: text, refusal, thinking."""
        if isinstance(content, str):
            yield from self._text(content)
            return
        for part in content if isinstance(content, list) else [content]:
            if isinstance(part, dict) and part.get("type") in _REASONING_PARTS:
                yield Reasoning("")
            elif text := _part_text(part):
                yield from self._text(text)

    def _text(self, text: str) -> Iterator[Piece]:
        if self._surrogate or HALF.search(text):
            text = self._whole(text)
        self._said = True
        reply = self._thoughts.feed(text)
        if reply:
            yield Text(reply)
        else:
            yield Reasoning("")

    def _whole(self, text: str) -> str:
        """Joins a character beyond U+FFFF that was cut into two escapes; a half alone becomes U+FFFD."""
        text, self._surrogate = self._surrogate + text, ""
        if "\ud800" <= text[-1:] <= "\udbff":
            text, self._surrogate = text[:-1], text[-1]
        return whole_characters(text)


class ChatStream(DeltaReader):
    """The bytes of one answer in, pieces out."""

    def __init__(self, taken: Set[str] = frozenset()) -> None:
        super().__init__(taken)
        self._events = EventReader(max_bytes=LONGEST_EVENT)
        self._head = b""
        self._document: bytearray | None = None
        self._streaming = False

    def feed(self, data: bytes) -> list[Piece]:
        """The pieces that these bytes complete."""
        if self.over:
            return []
        if not self._streaming:
            data = self._sniffed(data)
        try:
            events = self._events.feed(data) if data else []
        except ProviderFailed as error:
            self.fail(error)
            return []
        return [piece for event in events for piece in self._event(event)]

    def end(self) -> list[Piece]:
        """The rest, once the connection has ended: also of an event without the blank line after it."""
        if self._document is not None:
            pieces = self._whole_answer(bytes(self._document))
        else:
            pieces = self.feed(b"\n\n") if self._streaming else []
        return pieces + super().end()

    def _sniffed(self, data: bytes) -> bytes:
        """The bytes for the event reader; a whole JSON answer is collected instead."""
        if self._document is not None:
            self._document += data
            if len(self._document) > LONGEST_EVENT:
                self.fail(failures.too_large())
            return b""
        self._head += data
        start = self._head.removeprefix(b"\xef\xbb\xbf").lstrip()
        if not start:
            self._head = b""  # white space before the first word says nothing
            return b""
        if start[:1] in (b"{", b"["):
            self._document, self._head = bytearray(start), b""
            return b""
        self._streaming = len(start) > 2 or not b"\xef\xbb\xbf".startswith(start)
        head, self._head = (self._head, b"") if self._streaming else (b"", self._head)
        return head

    def _event(self, event: ServerSentEvent) -> list[Piece]:
        data = event.data.strip()
        if not data or self.over:
            return []
        if data.strip('"').upper() == "[DONE]":
            self.done = True
            return []
        if event.event.lower() in _PINGS or data.strip('"[]').lower() in _PINGS:
            return []
        try:
            chunk = _parsed(data)
        except ValueError:
            self.fail(failures.unreadable())
            return []
        if event.event == "error":
            self.fail(failures.in_band(chunk))
        return self.chunk(chunk)

    def _whole_answer(self, body: bytes) -> list[Piece]:
        """One JSON document, or one a line."""
        self._document = None
        text = body.decode("utf-8", "replace")
        try:
            pieces = self.chunk(_parsed(text))
        except ValueError:
            return self._lines(text)
        if self._said and not self.complete:
            self.finish = "stop"  # the document is whole, so is the answer
        return pieces

    def _lines(self, text: str) -> list[Piece]:
        pieces: list[Piece] = []
        for line in text.split("\n"):
            pieces += self._event(ServerSentEvent("message", line.removeprefix("data:")))
        return pieces


def _parsed(data: str) -> Any:
    """JSON; the standard library reads what orjson refuses: half characters and raw control characters."""
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    try:
        return json.loads(data, strict=False)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _is_error(data: dict[str, Any]) -> bool:
    if data.get("error"):
        return True
    if data.get("choices"):
        return False
    if "error" in (data.get("object"), data.get("type")):
        return True
    return data.get("choices") is None and any(_says(data.get(name)) for name in _ERROR_MEMBERS)


def _says(member: Any) -> bool:
    return bool(member) and not (isinstance(member, dict) and "content" in member)


def _part_text(part: Any) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, dict):
        return ""
    text = part.get("text") or part.get("refusal")
    text = text.get("value") if isinstance(text, dict) else text
    return text if isinstance(text, str) else ""


def _usage(raw: dict[str, Any]) -> Usage | None:
    counts = [raw.get("prompt_tokens", raw.get("input_tokens")), raw.get("completion_tokens", raw.get("output_tokens"))]
    if not any(isinstance(count, int) for count in counts):
        return None
    inputs, outputs = (count if isinstance(count, int) and count >= 0 else 0 for count in counts)
    return Usage(inputs, outputs)
