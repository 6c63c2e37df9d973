"""ADK's events of one run, translated to a turn's. Pure but for the clock that is passed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from google.adk.events.event import Event
from google.genai import types

from talk_kit.errors import ContentFiltered, EmptyReply, ProviderFailed, TalkError
from talk_kit.events import FinishReason, ReplyDelta, ToolCompleted, ToolStarted, TurnCompleted, TurnEvent

_Reason = types.FinishReason
_LENGTH = frozenset({_Reason.MAX_TOKENS})
_FILTERED = frozenset(
    {
        _Reason.SAFETY,
        _Reason.RECITATION,
        _Reason.BLOCKLIST,
        _Reason.PROHIBITED_CONTENT,
        _Reason.SPII,
        _Reason.IMAGE_SAFETY,
    }
)
_FILTER_CODES = frozenset(reason.value for reason in _FILTERED) | {"CONTENT_FILTER"}
_EMPTY_CODES = frozenset({"MODEL_RETURNED_NO_CONTENT", "STOP"})

# Between two messages of the model in one turn (before and after a tool call), so that they do not run together.
MESSAGE_BREAK = "\n\n"


class Progress:
    """How far a run has come: what was said, what it cost, and how it stands to end.

    `take` turns each ADK event into turn events; text is passed on once, whether the model streams or not.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._begun = clock()
        self._reply: list[str] = []
        self._message: list[str] = []
        self._finish: types.FinishReason | None = None
        self._error: TalkError | None = None
        self.first_text_at: float | None = None
        self.tools_called = 0
        self.model_messages = 0
        self.input_tokens = 0
        self.output_tokens = 0

    @property
    def reply(self) -> str:
        """All that was said so far."""
        return "".join(self._reply)

    @property
    def unfinished(self) -> str:
        """What was said of the model's message that is not complete yet."""
        return "".join(self._message)

    def take(self, event: Event) -> Iterator[TurnEvent]:
        """The turn events that an ADK event stands for."""
        if event.partial:
            yield from self._say(_text(event))
        elif responses := event.get_function_responses():
            for response in responses:
                failed = "error" in (response.response or {})
                yield ToolCompleted(response.id or "", response.name or "", "error" if failed else "ok")
        else:
            yield from self._message_ended(event)

    def ending(self) -> TurnCompleted:
        """The good end, or the TalkError that says why there is none."""
        if not self.reply.strip():
            if self._finish in _FILTERED or isinstance(self._error, ContentFiltered):
                raise ContentFiltered("The provider's content filter left nothing of the reply.")
            if self._error is not None and not isinstance(self._error, EmptyReply):
                raise self._error
            if not self.tools_called:
                raise EmptyReply("The model ended its turn without a word.")
        elif self._error is not None and not isinstance(self._error, EmptyReply | ContentFiltered):
            raise self._error
        usage = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return TurnCompleted(self.reply, self._finish_reason(), usage, self.timings())

    def timings(self) -> dict[str, float]:
        """Seconds since the run began, by stage."""
        measured = {"total": self._clock() - self._begun}
        if self.first_text_at is not None:
            measured["llm_ttft"] = self.first_text_at - self._begun
        return {stage: round(seconds, 4) for stage, seconds in measured.items()}

    def _message_ended(self, event: Event) -> Iterator[TurnEvent]:
        self._count(event)
        if not (event.content and event.content.parts):
            return  # an error, or an end without content: what was said stays unfinished
        whole, said = _text(event), self.unfinished
        yield from self._say(whole[len(said) :] if whole.startswith(said) else "")
        self._message.clear()
        for call in event.get_function_calls():
            self.tools_called += 1
            yield ToolStarted(call.id or "", call.name or "")

    def _say(self, text: str) -> Iterator[TurnEvent]:
        if not text:
            return
        if self.first_text_at is None and text.strip():
            self.first_text_at = self._clock()
        if not self._message and self._reply and not self._reply[-1].endswith("\n"):
            self._reply.append(MESSAGE_BREAK)
            yield ReplyDelta(MESSAGE_BREAK)
        self._message.append(text)
        self._reply.append(text)
        yield ReplyDelta(text)

    def _count(self, event: Event) -> None:
        if usage := event.usage_metadata:
            self.input_tokens += usage.prompt_token_count or 0
            self.output_tokens += (usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)
        if event.content is not None or event.finish_reason or event.error_code:
            self.model_messages += 1
            self._finish = event.finish_reason
            self._error = _failure(event)

    def _finish_reason(self) -> FinishReason:
        if self._finish in _LENGTH:
            return "length"
        filtered = self._finish in _FILTERED or isinstance(self._error, ContentFiltered)
        return "content_filter" if filtered else "stop"


def _text(event: Event) -> str:
    """What the model says aloud: thoughts are not part of it."""
    parts = (event.content.parts if event.content else None) or []
    return "".join(part.text for part in parts if part.text and not part.thought)


def _failure(event: Event) -> TalkError | None:
    """What an event that carries an error code of the model stands for. Its message stays inside."""
    if not event.error_code:
        return None
    if event.error_code in _FILTER_CODES:
        return ContentFiltered("The provider's content filter left nothing of the reply.")
    if event.error_code in _EMPTY_CODES:
        return EmptyReply("The model ended its turn without a word.")
    return ProviderFailed("The model's provider ended the reply with an error.")
