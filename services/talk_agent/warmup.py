"""One turn before the first one: what ADK imports and builds lazily is there when somebody asks."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable

import structlog
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.genai import types
from typing_extensions import override

from talk_agent.turn import TurnRequest, Turns
from talk_kit.events import TurnCompleted


class _Parrot(BaseLlm):
    """Answers at once, as a stream, without a network."""

    model: str = "warm-up"

    @override
    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        yield LlmResponse(content=_content("Ready."), partial=True)
        yield LlmResponse(content=_content("Ready."), partial=False, finish_reason=types.FinishReason.STOP)


async def warm_up(turns_with: Callable[[BaseLlm], Turns]) -> None:
    """Runs a turn through `turns_with(model)`, which is used for nothing else. Raises where ADK cannot run."""
    turns = turns_with(_Parrot())
    with structlog.contextvars.bound_contextvars(request_id="warm-up"):
        events = [event async for event in turns.events(TurnRequest("warm-up", "Are you ready?"))]
    if not isinstance(events[-1], TurnCompleted):
        raise RuntimeError(f"the warm-up turn ended with {events[-1]}")


def _content(text: str) -> types.Content:
    return types.Content(role="model", parts=[types.Part(text=text)])
