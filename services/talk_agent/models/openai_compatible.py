"""Models behind OpenAI's chat completions: OpenAI, vLLM, Ollama, llama.cpp, Azure and many more."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from urllib.parse import urlsplit

import httpx
from google.adk.models._capabilities import LlmCapabilities
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from pydantic import Field

from talk_agent.models import failures, messages
from talk_agent.models.chunks import ChatStream
from talk_agent.models.merge import WINDOW, merged
from talk_agent.models.options import ModelOptions, noted
from talk_agent.models.pieces import Piece
from talk_agent.models.probe import LISTING, Member, Reachability
from talk_agent.models.reply import responses
from talk_kit.errors import ProviderUnreachable
from talk_kit.http_client import HttpPool

OPENAI_URL = "https://api.openai.com/v1"
# The most bytes of one answer: 100,000 tokens, each with 300 bytes of JSON around it.
LARGEST_ANSWER = 32 << 20
_ERROR_BODY = 65536


class OpenAICompatibleLlm(BaseLlm):
    """See `reply` for what it yields and raises. One instance serves all turns of a process."""

    options: ModelOptions = Field(exclude=True, repr=False)
    pool: HttpPool = Field(exclude=True, repr=False)
    window: float = WINDOW
    reachability: Reachability = Field(default_factory=lambda: Reachability(LISTING), exclude=True, repr=False)

    @classmethod
    def of(cls, options: ModelOptions, pool: HttpPool, window: float = WINDOW) -> OpenAICompatibleLlm:
        """The model that these options describe. `window`: see `merge`; 0 merges what has come anyway."""
        return cls(model=options.name, options=options, pool=pool, window=window)

    @property
    def capabilities(self) -> LlmCapabilities:
        return LlmCapabilities(output_schema_and_tools=False)

    @property
    def probed(self) -> Member:
        """For `ChainProbe`."""
        return Member(self.reachability, self.ask)

    async def generate_content_async(
        self, llm_request: LlmRequest, stream: bool = False
    ) -> AsyncGenerator[LlmResponse, None]:
        reader = ChatStream(messages.call_ids(llm_request))
        pieces = merged(self._batches(llm_request, reader), reader, self.options.waits, self.window)
        answers = noted(responses(pieces, llm_request, model=self.model, stream=stream), self.reachability)
        async with aclosing(answers):
            async for answer in answers:
                yield answer

    async def ask(self) -> None:
        """`GET /models`: any answer below 500 but 401 and 403 says that the provider is there."""
        waits = self.options.waits
        answer = await self.pool.request(
            "GET",
            self._url("/models"),
            target=failures.TARGET,
            headers=self._headers(),
            connect=waits.connect,
            idle=self.reachability.pace.timeout,
        )
        if answer.status_code >= 500 or answer.status_code in (401, 403):
            raise failures.from_status(answer.status_code, answer.headers)

    async def _batches(self, request: LlmRequest, reader: ChatStream) -> AsyncGenerator[list[Piece], None]:
        waits, size = self.options.waits, 0
        async with self.pool.stream(
            "POST",
            self._url("/chat/completions"),
            target=failures.TARGET,
            headers={**self._headers(), "Content-Type": "application/json", "Accept": "text/event-stream"},
            content=messages.encoded(self._body(request)),
            connect=waits.connect,
            idle=max(waits.first_byte, waits.idle),
        ) as response:
            if not response.is_success:
                raise failures.from_status(response.status_code, response.headers, await _start(response))
            async for data in response.aiter_bytes():
                size += len(data)
                if size > LARGEST_ANSWER:
                    raise failures.too_large()
                yield reader.feed(data)
                if reader.error is not None:
                    return

    def _body(self, request: LlmRequest) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.options.served_name,
            "messages": messages.messages(request),
            "stream": True,
            "stream_options": {"include_usage": True},
            **self.options.body(),
            **messages.options(request),
        }
        if tools := messages.tools(request):
            body["tools"] = tools
        if "max_tokens" in body and self._is_openai:
            body["max_completion_tokens"] = body.pop("max_tokens")  # its newer models refuse the old name
        return body

    def _headers(self) -> dict[str, str]:
        key = self.options.api_key()
        # A compressed stream waits in the compressor.
        headers = {"Accept-Encoding": "identity"}
        if key:
            if not (key.isascii() and key.isprintable()):
                raise ProviderUnreachable("The model's API key holds characters that no key has.")
            headers["Authorization"] = f"Bearer {key}"
            if self._host.endswith(".azure.com"):
                headers["api-key"] = key
        return headers

    def _url(self, path: str) -> str:
        base = (self.options.base_url or OPENAI_URL).strip().rstrip("/")
        return base.removesuffix("/chat/completions").rstrip("/") + path

    @property
    def _host(self) -> str:
        return urlsplit(self.options.base_url or OPENAI_URL).hostname or ""

    @property
    def _is_openai(self) -> bool:
        return self._host == "api.openai.com" or self._host.endswith(".openai.azure.com")


async def _start(response: httpx.Response) -> bytes:
    """The first bytes of an error's body: enough to find a known code in it."""
    body = b""
    async for data in response.aiter_bytes():
        body += data
        if len(body) >= _ERROR_BODY:
            break
    return body[:_ERROR_BODY]
