"""A real agent over loopback HTTP, with a fake provider behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from talk_agent.app import create_app
from talk_agent.dependencies import read_dependencies
from talk_agent.service import Service
from talk_agent.settings import Settings
from talk_kit.events import TurnEvent
from talk_kit.sse import read_turn
from tests.fakes.llm import FakeLlm
from tests.fakes.serving import serve


@dataclass
class Agent:
    """A served agent, and a client of it."""

    name: str
    url: str
    service: Service
    client: httpx.AsyncClient

    async def post(self, body: Any, headers: dict[str, str] | None = None, name: str | None = None) -> httpx.Response:
        content = body if isinstance(body, bytes) else orjson.dumps(body)
        return await self.client.post(
            f"{self.url}/v1/agents/{name or self.name}/chat", content=content, headers=headers or {}
        )

    async def say(self, message: str, session_id: str = "s1") -> httpx.Response:
        """A JSON turn."""
        return await self.post({"message": message, "session_id": session_id})

    @asynccontextmanager
    async def streaming(self, message: str, session_id: str = "s1") -> AsyncIterator[httpx.Response]:
        body = {"message": message, "session_id": session_id, "stream": True}
        async with self.client.stream("POST", f"{self.url}/v1/agents/{self.name}/chat", json=body) as response:
            yield response

    async def stream(self, message: str, session_id: str = "s1") -> list[TurnEvent]:
        """All events of a streamed turn."""
        async with self.streaming(message, session_id) as response:
            assert response.status_code == 200, await response.aread()
            return [event async for event in read_turn(response.aiter_bytes())]


ServeAgent = Callable[..., AbstractAsyncContextManager[Agent]]


def talk_agent(name: str = "assistant", **spec: Any) -> dict[str, Any]:
    """A TalkAgent document."""
    return {
        "apiVersion": "talk.dwani.ai/v1alpha1",
        "kind": "TalkAgent",
        "metadata": {"name": name},
        "spec": {"instruction": "You answer in one short sentence.", **spec},
    }


@pytest.fixture
def serve_agent(tmp_path: Path) -> ServeAgent:
    """`async with serve_agent(llm, name="assistant", documents=(), environ={}, settings={}, **spec) as agent`."""

    @asynccontextmanager
    async def start(
        llm_url: str,
        *,
        name: str = "assistant",
        documents: tuple[dict[str, Any], ...] = (),
        environ: dict[str, str] | None = None,
        settings: dict[str, Any] | None = None,
        **spec: Any,
    ) -> AsyncIterator[Agent]:
        file = tmp_path / f"{name}.yaml"
        file.write_bytes(b"\n---\n".join(map(orjson.dumps, (talk_agent(name, **spec), *documents))))
        chosen = {"agent_file": str(file), "agent_name": name, "model": "openai/m", "base_url": llm_url}
        made = Settings(**{**chosen, "api_key": "sk-default", **(settings or {})})
        deps = replace(read_dependencies(made, environ or {}), settle=lambda: None)
        app = create_app(made, deps)
        async with serve(app) as url, httpx.AsyncClient(timeout=30) as client:
            yield Agent(name, url, app.state.service, client)

    return start


@pytest.fixture
async def llm() -> AsyncIterator[FakeLlm]:
    async with FakeLlm() as fake:
        yield fake
