"""Stores on a real server: our own on a Unix socket, and the one that TALK_TEST_REDIS_URL names."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator

import pytest

from talk_agent.sessions.adk_service import RedisSessionService
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_kit.redis_address import RedisAddress, parse_redis_url
from tests.fakes.valkey import Valkey, valkey

OTHER = os.environ.get("TALK_TEST_REDIS_URL", "")


@pytest.fixture(scope="session")
def shared_valkey() -> Iterator[Valkey]:
    with valkey() as server:
        yield server


@pytest.fixture(params=["own", pytest.param("other", marks=pytest.mark.loopback)] if OTHER else ["own"])
def address(request: pytest.FixtureRequest, shared_valkey: Valkey) -> RedisAddress:
    return shared_valkey.address if request.param == "own" else parse_redis_url(OTHER)


@pytest.fixture
async def server(address: RedisAddress) -> AsyncIterator[RedisServer]:
    made = RedisServer(address)
    yield made
    await made.close()


@pytest.fixture
def agent() -> str:
    """A name of its own for each test: what others stored is not seen."""
    return f"agent-{secrets.token_hex(6)}"


@pytest.fixture
def store(server: RedisServer, agent: str) -> RedisSessionStore:
    return RedisSessionStore(server, agent, ttl=3600.0, answer_ttl=86_400.0)


@pytest.fixture
async def own_store(shared_valkey: Valkey, agent: str) -> AsyncIterator[RedisSessionStore]:
    """On the tests' own server, which the cutting proxy stands before."""
    made = RedisServer(shared_valkey.address)
    yield RedisSessionStore(made, agent, ttl=3600.0, answer_ttl=86_400.0)
    await made.close()


@pytest.fixture
def adk(server: RedisServer) -> RedisSessionService:
    return RedisSessionService(server, ttl=3600.0)
