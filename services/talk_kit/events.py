"""The events of a turn: one vocabulary for SSE, later the realtime socket, and the page.

A turn is `TurnStarted`, any number of the middle ones, and exactly one of `TurnCompleted` and `TurnFailed`.
On the wire each is `event: <type>` and `data: <JSON object>`; None and empty members are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from talk_kit.errors import Internal, TalkError

Stage = Literal["transcribing", "thinking", "speaking"]
FinishReason = Literal["stop", "length", "content_filter"]
ToolOutcome = Literal["ok", "error"]
AudioFormat = Literal["pcm_s16le_24000", "mp3"]


@dataclass(frozen=True, slots=True)
class TurnStarted:
    """The turn was accepted; what is refused before has an HTTP status instead."""

    type: ClassVar[str] = "turn.started"
    turn_id: str
    session_id: str
    agent: str


@dataclass(frozen=True, slots=True)
class StageChanged:
    """What the turn does now, for people to see."""

    type: ClassVar[str] = "stage"
    stage: Stage


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was heard; `final` false is a guess that a later one replaces."""

    type: ClassVar[str] = "transcript"
    text: str
    final: bool = True


@dataclass(frozen=True, slots=True)
class ReplyDelta:
    """The next piece of the reply; all of them joined are the reply."""

    type: ClassVar[str] = "reply.delta"
    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool is being called. Text before it and after it belong to two messages of the model."""

    type: ClassVar[str] = "tool.started"
    call_id: str
    name: str


@dataclass(frozen=True, slots=True)
class ToolCompleted:
    """A tool has answered, with success or with an error for the model."""

    type: ClassVar[str] = "tool.completed"
    call_id: str
    name: str
    outcome: ToolOutcome


@dataclass(frozen=True, slots=True)
class AudioDelta:
    """The next piece of the reply's sound: base64, one `format` for the whole turn."""

    type: ClassVar[str] = "audio.delta"
    audio: str
    format: AudioFormat


@dataclass(frozen=True, slots=True)
class TurnCompleted:
    """The good end. `usage` counts tokens (input_tokens, output_tokens), `timings` are seconds by stage."""

    type: ClassVar[str] = "turn.completed"
    reply: str
    finish_reason: FinishReason = "stop"
    usage: Mapping[str, int] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TurnFailed:
    """The other end. `code` is that of `talk_kit.errors`; `retry_after` in seconds where waiting helps."""

    type: ClassVar[str] = "turn.failed"
    code: str
    detail: str
    retryable: bool
    retry_after: float | None = None

    @classmethod
    def of(cls, error: BaseException) -> TurnFailed:
        """The event for an error; one that is not Talk's own shows nothing of itself."""
        known = error if isinstance(error, TalkError) else Internal()
        return cls(known.code, known.detail, known.retryable, known.retry_after)


TurnEvent = (
    TurnStarted
    | StageChanged
    | Transcript
    | ReplyDelta
    | ToolStarted
    | ToolCompleted
    | AudioDelta
    | TurnCompleted
    | TurnFailed
)
Ending = TurnCompleted | TurnFailed

_TYPES: dict[str, type[Any]] = {cls.type: cls for cls in TurnEvent.__args__}


def to_wire(event: TurnEvent) -> dict[str, Any]:
    """The JSON object of an event, without `type`, which is SSE's own field."""
    members = {f.name: getattr(event, f.name) for f in fields(event)}
    return {name: value for name, value in members.items() if value is not None}


def from_wire(type_: str, data: Mapping[str, Any]) -> TurnEvent | None:
    """The event, or None for a type that this version does not know: additions stay compatible.

    Raises TypeError where a required member is missing. Members that are not known are ignored.
    """
    cls = _TYPES.get(type_)
    if cls is None:
        return None
    names = {f.name for f in fields(cls)}
    event: TurnEvent = cls(**{name: value for name, value in data.items() if name in names})
    return event
