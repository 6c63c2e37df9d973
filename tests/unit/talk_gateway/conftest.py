"""A whole gateway on loopback: the real app, a scripted agent, fake ASR and TTS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from talk_gateway.app import create_app
from talk_gateway.deps import build_deps
from talk_gateway.settings import read
from tests.fakes.agent import FakeAgent
from tests.fakes.serving import serve, serve_all
from tests.fakes.speech_providers import FakeSpeech


@dataclass
class Gateway:
    """The client to ask with, and the fakes behind."""

    client: httpx.AsyncClient
    agent: FakeAgent
    speech: FakeSpeech
    other_agents: dict[str, FakeAgent] = field(default_factory=dict)


StartGateway = Callable[..., AbstractAsyncContextManager[Gateway]]


@asynccontextmanager
async def start(names: tuple[str, ...] = ("assistant", "viva-examiner"), **environ: str) -> AsyncIterator[Gateway]:
    """A gateway in front of the named agents; the first one is `Gateway.agent`."""
    agents = {name: FakeAgent() for name in names}
    speech = FakeSpeech()
    async with AsyncExitStack() as stack:
        apps = [speech.app(), *(agent.app() for agent in agents.values())]
        speech_url, *urls = await stack.enter_async_context(serve_all(*apps))
        provider = f"{speech_url}/v1"
        settings = read(
            {
                "TALK_AGENTS": ",".join(f"{name}={url}" for name, url in zip(agents, urls, strict=True)),
                "TALK_ASR_BASE_URL": provider,
                "TALK_TTS_BASE_URL": provider,
                "TALK_TTS_API_KEY": "canary-key",
                **environ,
            }
        )
        url = await stack.enter_async_context(serve(create_app(settings, build_deps(settings))))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=20))
        yield Gateway(client, agents[names[0]], speech, agents)


@pytest.fixture
def start_gateway() -> StartGateway:
    """The function, for tests that need settings of their own."""
    return start


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    """With the defaults."""
    async with start() as running:
        yield running
