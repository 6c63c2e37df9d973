"""`POST /v1/chat/completions` and `GET /v1/models`: llama.cpp's own answers, passed through byte for byte."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any, Protocol

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from talk_kit.errors import DeadlineExceeded, ProviderBusy
from talk_kit.http_client import HttpPool
from talk_local import bodies, metrics
from talk_local.answers import UNBUFFERED, Head, Streamed
from talk_local.part import Part

TARGET = "The local model"
_PASSED = ("content-type",)


class LanguageModel(Protocol):
    """An OpenAI-compatible server that listens on a Unix socket."""

    name: str
    demonstration: bool
    socket: str

    def close(self) -> None:
        """Stops it."""


class Chat:
    """The routes. `limit` requests at once run or wait in the model's server, `idle` seconds without a byte end one."""

    def __init__(self, part: Part[LanguageModel], *, limit: int, idle: float) -> None:
        self._part = part
        self._limit = limit
        self._idle = idle
        self._running = 0
        self._pool: HttpPool | None = None

    async def post(self, request: Request) -> Response:
        """Whatever llama.cpp's server makes of the body, streamed or not; `model` may be any name."""
        model = self._part.engine
        if self._running >= self._limit:
            raise ProviderBusy(f"{TARGET} has too many requests waiting.", retry_after=1.0)
        body = await bodies.json_bytes(request)
        bodies.json_object(body)
        return Streamed(self._passed(model, body))

    async def _passed(self, model: LanguageModel, body: bytes) -> AsyncGenerator[Head | bytes, None]:
        self._running += 1
        try:
            async with self._connections(model).stream(
                "POST",
                "http://llama/v1/chat/completions",
                target=TARGET,
                idle=self._idle,
                content=body,
                headers={"Content-Type": "application/json", "Accept-Encoding": "identity"},
            ) as answer:
                headers = {name: answer.headers[name] for name in _PASSED if name in answer.headers}
                yield Head(answer.status_code, {**headers, **UNBUFFERED})
                async for chunk in answer.aiter_raw():
                    yield chunk
        except DeadlineExceeded:
            metrics.timeouts.labels("llm").inc()
            raise
        finally:
            self._running -= 1

    def _connections(self, model: LanguageModel) -> HttpPool:
        if self._pool is None:
            limits = httpx.Limits(max_connections=None, max_keepalive_connections=8, keepalive_expiry=4.0)
            self._pool = HttpPool(clients=1, transport=httpx.AsyncHTTPTransport(uds=model.socket, limits=limits))
        return self._pool

    async def close(self) -> None:
        """Closes the connections to the model's server."""
        if self._pool is not None:
            await self._pool.aclose()
            self._pool = None


def models(parts: list[Part[Any]]) -> dict[str, Any]:
    """What `/v1/models` lists: each part that is loaded."""
    loaded = [(part.name, part.loaded) for part in parts if part.loaded is not None]
    return {"object": "list", "data": [_model(name, engine) for name, engine in loaded]}


def _model(part: str, engine: Any) -> dict[str, Any]:
    entry = {"id": getattr(engine, "name", part), "object": "model", "created": 0, "owned_by": "local", "part": part}
    if getattr(engine, "demonstration", False):
        entry["description"] = (
            "A demonstration with 135 million parameters: it shows that the chain works and gets facts wrong. "
            "Set TALK_LOCAL_LLM_GGUF or a provider for real use."
        )
    return entry


class Models:
    """`GET /v1/models`."""

    def __init__(self, parts: list[Part[Any]]) -> None:
        self._parts = parts

    async def get(self, _request: Request) -> Response:
        """OpenAI's list, with a description beside each model that needs one."""
        return JSONResponse(models(self._parts))
