"""What every class of model does alike: from a provider's stream to ADK's responses, behind the endpoint's breaker."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncGenerator
from contextlib import aclosing
from time import monotonic

from google.adk.models._capabilities import LlmCapabilities
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from pydantic import Field

from talk_agent.models import failures
from talk_agent.models.chunks import DeltaReader
from talk_agent.models.merge import WINDOW, merged
from talk_agent.models.options import ModelOptions
from talk_agent.models.pieces import Piece
from talk_agent.models.probe import Member, Reachability
from talk_agent.models.reply import responses
from talk_kit.errors import CircuitOpen, OutOfTime, TalkError
from talk_kit.guard import Guard
from talk_kit.retry import Retries, RetryLimits

ONCE = RetryLimits(attempts=1)


def unrepeated(target: str) -> Guard:
    """A guard whose calls are made once."""
    return Guard(target, failures.TARGET, retries=Retries(ONCE))


class StreamingLlm(BaseLlm):
    """One endpoint. See `reply` for what it yields and raises; CircuitOpen where the endpoint is left alone.

    One instance serves all turns of a process. `window`: see `merge`; 0 merges what has come anyway.
    """

    options: ModelOptions = Field(exclude=True, repr=False)
    reachability: Reachability = Field(exclude=True, repr=False)
    guard: Guard = Field(exclude=True, repr=False)
    window: float = WINDOW

    @property
    def capabilities(self) -> LlmCapabilities:
        return LlmCapabilities(output_schema_and_tools=False)

    @property
    def probed(self) -> Member:
        """For `ChainProbe`. A probe that finds the provider back closes the circuit: the pod is ready with it."""
        return Member(self.reachability, self.ask, self.guard.reset)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        answers = self.guard.stream(lambda: self._once(llm_request, stream))
        async with aclosing(noted(answers, self.reachability)) as noted_answers:
            async for answer in noted_answers:
                yield answer

    def _once(self, request: LlmRequest, stream: bool) -> AsyncGenerator[LlmResponse, None]:
        reader = self._reader(request)
        pieces = merged(self._batches(request, reader), reader, self.options.waits, self.window)
        return responses(pieces, request, model=self.model, stream=stream)

    @abstractmethod
    async def ask(self) -> None:
        """Asks the provider for as little as shows that it is there. Raises TalkError."""

    @abstractmethod
    def _reader(self, request: LlmRequest) -> DeltaReader:
        """What reads this class's streams."""

    @abstractmethod
    def _batches(self, request: LlmRequest, reader: DeltaReader) -> AsyncGenerator[list[Piece], None]:
        """Makes the call and feeds `reader`; see `merged`."""


async def noted(
    answers: AsyncGenerator[LlmResponse, None], reachability: Reachability
) -> AsyncGenerator[LlmResponse, None]:
    """The same answers; how the call ended is noted. One that was cancelled, or not made, says nothing."""
    async with aclosing(answers):
        try:
            async for answer in answers:
                if answer.partial is False:
                    reachability.ended(monotonic(), None)
                yield answer
        except (CircuitOpen, OutOfTime):
            raise
        except TalkError as error:
            reachability.ended(monotonic(), error)
            raise
