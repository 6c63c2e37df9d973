"""Every other provider, through litellm. Importing this module does not import litellm; building a model does.

litellm is used for what it knows, each provider's own protocol. What comes back goes through the same reader as
our own stream: thoughts, finish reasons and tool calls are treated alike. Limits that litellm sets: it ends a
stream that was cut as if it had finished.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from typing import Any

from google.adk.models.llm_request import LlmRequest
from pydantic import Field
from typing_extensions import override

from talk_agent.models import failures, messages
from talk_agent.models.chunks import DeltaReader
from talk_agent.models.merge import WINDOW
from talk_agent.models.options import ModelOptions
from talk_agent.models.pieces import Piece
from talk_agent.models.probe import COMPLETION, Reachability
from talk_agent.models.streaming import StreamingLlm, unrepeated
from talk_kit import deadline
from talk_kit.context import outgoing_headers
from talk_kit.errors import ProviderUnreachable, TalkError
from talk_kit.guard import Guard

# Read at import: no download of prices, no `.env` of the working directory.
_ENVIRONMENT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",
    "LITELLM_LOG": "ERROR",
}


def _litellm() -> Any:
    """The module, quiet: its own log of a failure holds the provider's words."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    import litellm

    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
    litellm.suppress_debug_info = True
    litellm.turn_off_message_logging = True
    litellm.drop_params = True  # an option that a provider does not know is left out
    litellm.disable_aiohttp_transport = True  # httpx closes its streams when a turn is cancelled
    return litellm


class LiteLlmModel(StreamingLlm):
    """Asked through litellm."""

    litellm: Any = Field(exclude=True, repr=False)

    @classmethod
    def of(cls, options: ModelOptions, guard: Guard | None = None, window: float = WINDOW) -> LiteLlmModel:
        """The model that these options describe; `name` starts with one of litellm's providers."""
        return cls(
            model=options.name,
            options=options,
            litellm=_litellm(),
            guard=guard or unrepeated(options.name),
            reachability=Reachability(COMPLETION),
            window=window,
        )

    @override
    def _reader(self, request: LlmRequest) -> DeltaReader:
        return DeltaReader(messages.call_ids(request))

    @override
    async def ask(self) -> None:
        """A completion of one token."""
        try:
            await self.litellm.acompletion(
                **self._call(timeout=self.reachability.pace.timeout),
                messages=[{"role": "user", "content": "Hello"}],
                max_tokens=1,
            )
        except Exception as error:
            raise translated(error) from error

    @override
    async def _batches(self, request: LlmRequest, reader: DeltaReader) -> AsyncGenerator[list[Piece], None]:
        try:
            stream = await self.litellm.acompletion(**self._streaming(request))
            async with aclosing(stream):
                async for chunk in stream:
                    yield reader.chunk(chunk.model_dump(exclude_none=True))
                    if reader.error is not None:
                        return
        except Exception as error:
            raise translated(error) from error

    def _streaming(self, request: LlmRequest) -> dict[str, Any]:
        waits = self.options.waits
        return {
            **self._call(timeout=deadline.bounded(waits.connect + max(waits.first_byte, waits.idle))),
            "messages": messages.messages(request),
            "tools": messages.tools(request) or None,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self.options.body(),
            **messages.options(request),
        }

    def _call(self, timeout: float) -> dict[str, Any]:
        """What each call has: one attempt, bounded, with the request's id and trace."""
        return {
            "model": self.model,
            "api_base": self.options.base_url,
            "api_key": self.options.api_key(),
            "timeout": timeout,
            "max_retries": 0,
            "num_retries": 0,
            "extra_headers": outgoing_headers(),
            "_skip_mcp_handler": True,
        }


def translated(error: Exception) -> TalkError:
    """litellm's error as ours, by its status and kind; its text holds the provider's words and goes no further."""
    chain = list(_chain(error))
    kinds = {cls.__name__ for link in chain for cls in type(link).__mro__}
    if "ContentPolicyViolationError" in kinds:
        return failures.content_filtered()
    if kinds & {"Timeout", "APITimeoutError", "TimeoutException"}:
        return failures.silent()
    if "ConnectError" in kinds:
        return ProviderUnreachable(f"{failures.TARGET} cannot be reached.")
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or status < 400 or "NetworkError" in kinds:
        return failures.broken_off()
    return failures.from_status(status, _headers(chain), str(error).encode())


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and what it came from: litellm calls a refused connection a status 500."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _headers(chain: Iterable[BaseException]) -> Mapping[str, str]:
    for link in chain:
        headers = getattr(getattr(link, "response", None), "headers", None)
        if isinstance(headers, Mapping) and headers:
            return headers
    return {}
