"""Pieces of an answer as ADK's responses, alike for every class of model.

What a runner may rely on: partial responses hold text only, byte-exact, and joined they are the text of the last
one, which is not partial and holds the text once, the calls, `usage_metadata`, `model_version` (which model
answered) and `finish_reason`: MAX_TOKENS for an answer cut by length, SAFETY for one cut by a filter, else STOP.
A failure is raised as a TalkError after the text that came before it; then there is no last response.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing

from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types

from talk_agent.models import failures
from talk_agent.models.messages import answers_a_tool, call_part
from talk_agent.models.pieces import Failed, Finish, Finished, Piece, Text, ToolCall, Usage
from talk_kit import events

_TO_ADK = {
    "stop": types.FinishReason.STOP,
    "tool_calls": types.FinishReason.STOP,
    "length": types.FinishReason.MAX_TOKENS,
    "content_filter": types.FinishReason.SAFETY,
}


def finish_reason(response: LlmResponse) -> events.FinishReason:
    """How an answer of any model ended, in the words of `turn.completed`. Takes ADK's events too."""
    match response.finish_reason:
        case types.FinishReason.MAX_TOKENS:
            return "length"
        case types.FinishReason.SAFETY:
            return "content_filter"
        case _:
            return "stop"


async def responses(
    pieces: AsyncGenerator[Piece, None], request: LlmRequest, *, model: str, stream: bool
) -> AsyncGenerator[LlmResponse, None]:
    """The responses of one answer; without `stream` only the last one.

    Raises what the stream failed with, EmptyReply for an answer without a word or call, ContentFiltered for one
    that the provider's filter left empty. After the result of a tool, an answer may be empty: the last response
    then has no parts.
    """
    reply = _Reply(may_be_empty=answers_a_tool(request))
    async with aclosing(pieces):
        async for piece in pieces:
            reply.take(piece)
            if stream and isinstance(piece, Text):
                yield _partial(piece.text)
    yield reply.response(model)


class _Reply:
    """An answer while it comes."""

    def __init__(self, *, may_be_empty: bool) -> None:
        self._may_be_empty = may_be_empty
        self._texts: list[str] = []
        self._calls: list[ToolCall] = []
        self._usage: Usage | None = None
        self._finish: Finish = "stop"

    def take(self, piece: Piece) -> None:
        match piece:
            case Text(text):
                self._texts.append(text)
            case ToolCall():
                self._calls.append(piece)
            case Usage():
                self._usage = piece
            case Finished(reason):
                self._finish = reason
            case Failed(error):
                raise error
            case _:
                pass

    def response(self, model: str) -> LlmResponse:
        text, calls = "".join(self._texts), self._checked_calls()
        if not (text or calls or self._may_be_empty):
            raise failures.content_filtered() if self._finish == "content_filter" else failures.empty_reply()
        parts = [types.Part(text=text)] if text else []
        return LlmResponse(
            content=types.Content(role="model", parts=[*parts, *map(call_part, calls)]),
            partial=False,
            finish_reason=_TO_ADK[self._finish],
            usage_metadata=_usage(self._usage),
            model_version=model,
        )

    def _checked_calls(self) -> list[ToolCall]:
        """The calls to be made. A filter's answer calls nothing; a call cut by length is no tool error to repair."""
        if self._finish == "content_filter":
            return []
        if self._finish == "length" and _unreadable(self._calls):
            raise failures.cut_call()
        return self._calls


def _unreadable(calls: Iterable[ToolCall]) -> bool:
    return any(call.arguments is None for call in calls)


def _partial(text: str) -> LlmResponse:
    return LlmResponse(content=types.Content(role="model", parts=[types.Part(text=text)]), partial=True)


def _usage(usage: Usage | None) -> types.GenerateContentResponseUsageMetadata | None:
    if usage is None:
        return None
    return types.GenerateContentResponseUsageMetadata(
        prompt_token_count=usage.input_tokens,
        candidates_token_count=usage.output_tokens,
        total_token_count=usage.input_tokens + usage.output_tokens,
    )
