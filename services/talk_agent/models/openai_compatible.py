"""Models behind OpenAI's chat completions: OpenAI, vLLM, Ollama, llama.cpp, Azure and many more."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any
from urllib.parse import urlsplit

import httpx
from google.adk.models.llm_request import LlmRequest
from pydantic import Field
from typing_extensions import override

from talk_agent.models import failures, messages
from talk_agent.models.chunks import ChatStream, DeltaReader
from talk_agent.models.merge import WINDOW
from talk_agent.models.options import ModelOptions
from talk_agent.models.pieces import Piece
from talk_agent.models.probe import LISTING, Reachability
from talk_agent.models.streaming import StreamingLlm, unrepeated
from talk_kit.errors import ProviderUnreachable
from talk_kit.guard import Guard
from talk_kit.http_client import HttpPool

OPENAI_URL = "https://api.openai.com/v1"
# The most bytes of one answer: 100,000 tokens, each with 300 bytes of JSON around it.
LARGEST_ANSWER = 32 << 20
_ERROR_BODY = 65536


class OpenAICompatibleLlm(StreamingLlm):
    """Asked over HTTP, with our own reader of its streams."""

    pool: HttpPool = Field(exclude=True, repr=False)

    @classmethod
    def of(
        cls, options: ModelOptions, pool: HttpPool, guard: Guard | None = None, window: float = WINDOW
    ) -> OpenAICompatibleLlm:
        """The model that these options describe."""
        return cls(
            model=options.name,
            options=options,
            pool=pool,
            guard=guard or unrepeated(options.name),
            reachability=Reachability(LISTING),
            window=window,
        )

    @override
    def _reader(self, request: LlmRequest) -> ChatStream:
        return ChatStream(messages.call_ids(request))

    @override
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

    @override
    async def _batches(self, request: LlmRequest, reader: DeltaReader) -> AsyncGenerator[list[Piece], None]:
        assert isinstance(reader, ChatStream)
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
