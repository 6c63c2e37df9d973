"""What every class of model takes: one model of a TalkAgent, resolved."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Protocol, runtime_checkable

from google.adk.models.llm_response import LlmResponse

from talk_agent.models.merge import Waits
from talk_agent.models.probe import Member, Reachability
from talk_kit.errors import TalkError


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """`name` is `provider/model`. `api_key` is asked at each call, so that a new key needs no restart; it gives
    None where there is none and raises TalkError where it should be there and is not. `waits` are seconds."""

    name: str
    base_url: str | None = None
    api_key: Callable[[], str | None] = field(default=lambda: None, repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    waits: Waits = field(default_factory=Waits)

    @property
    def provider(self) -> str:
        """What stands before the slash."""
        return self.name.partition("/")[0]

    @property
    def served_name(self) -> str:
        """The name under which the provider knows the model."""
        return self.name.partition("/")[2]

    def body(self) -> dict[str, Any]:
        """The options that go into each request, where they are set."""
        options = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {name: value for name, value in options.items() if value is not None}


@runtime_checkable
class ProbedLlm(Protocol):
    """A model that can be a member of a `ChainProbe`."""

    @property
    def probed(self) -> Member:
        """What is known about it, and how it is asked."""


async def noted(
    answers: AsyncGenerator[LlmResponse, None], reachability: Reachability
) -> AsyncGenerator[LlmResponse, None]:
    """The same answers; how the call ended is noted. One that was cancelled says nothing about the provider."""
    async with aclosing(answers):
        try:
            async for answer in answers:
                if answer.partial is False:
                    reachability.ended(monotonic(), None)
                yield answer
        except TalkError as error:
            reachability.ended(monotonic(), error)
            raise
