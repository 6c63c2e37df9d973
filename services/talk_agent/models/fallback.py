"""A chain of models: the next one answers while nothing of an answer has been given out."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from google.adk.models._capabilities import LlmCapabilities
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from pydantic import Field

from talk_agent.models.failures import asks_next_model
from talk_kit.errors import TalkError
from talk_kit.logs import get_logger

log = get_logger(__name__)


class FallbackLlm(BaseLlm):
    """Tries models in order on 429, 5xx, time-out, an error in the stream or an empty one.

    Never after the first text or call, and never on `content_filter` or a request that a provider rejects.
    `model_version` of the answer says which one it was. When all fail, the last one's error is raised.
    """

    members: list[BaseLlm] = Field(min_length=1)

    @classmethod
    def of(cls, members: Sequence[BaseLlm]) -> FallbackLlm:
        """The chain, named for its first model."""
        return cls(model=members[0].model, members=list(members))

    @property
    def capabilities(self) -> LlmCapabilities:
        return LlmCapabilities(output_schema_and_tools=False)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        *earlier, last = self.members
        for member in earlier:
            given = False
            try:
                async with aclosing(member.generate_content_async(llm_request, stream)) as answers:
                    async for answer in answers:
                        given = True
                        yield answer
                return
            except TalkError as error:
                if given or not asks_next_model(error):
                    raise
                log.warning("model_fell_back", model=member.model, code=error.code, reason=error.detail)
        async with aclosing(last.generate_content_async(llm_request, stream)) as answers:
            async for answer in answers:
                yield answer
