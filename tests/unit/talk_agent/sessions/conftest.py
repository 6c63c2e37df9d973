"""Stores on a real server: our own on a Unix socket, as the user that the chart's Redis has for the agent, and the one
that TALK_TEST_REDIS_URL names.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest

from talk_agent.sessions.adk_service import RedisSessionService
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_kit.redis_address import RedisAddress, parse_redis_url
from talk_kit.redis_users import user_name, user_password, user_rules
from talk_kit.session_keys import SCHEMA, SCHEMA_KEY
from tests.fakes.valkey import Valkey, valkey

SECRET = "the default user's"
OTHER = os.environ.get("TALK_TEST_REDIS_URL", "")


def as_user(address: RedisAddress, agent: str) -> RedisAddress:
    """The same server, for an agent of the namespace `talk`."""
    return replace(address, user=user_name("talk", agent), password=user_password(SECRET, "talk", agent))


@pytest.fixture(scope="session")
def shared_valkey() -> Iterator[Valkey]:
    with valkey() as server:
        yield server


@pytest.fixture(params=["own", pytest.param("other", marks=pytest.mark.loopback)] if OTHER else ["own"])
def address(request: pytest.FixtureRequest, shared_valkey: Valkey, agent: str) -> RedisAddress:
    if request.param == "other":
        return parse_redis_url(OTHER)
    with shared_valkey.client() as client:
        client.execute_command("ACL", "SETUSER", user_name("talk", agent), *user_rules(SECRET, "talk", agent, ""))
        client.set(SCHEMA_KEY, SCHEMA)
    return as_user(shared_valkey.address, agent)


@pytest.fixture
async def server(address: RedisAddress) -> AsyncIterator[RedisServer]:
    made = RedisServer(address)
    yield made
    await made.close()


@pytest.fixture
async def whole(address: RedisAddress, shared_valkey: Valkey) -> AsyncIterator[RedisServer]:
    """The same server as its default user, for what a test looks at."""
    made = RedisServer(shared_valkey.address if address.path == shared_valkey.socket else address)
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


@pytest.fixture
def adk_of_all(whole: RedisServer) -> RedisSessionService:
    """For several agents at once."""
    return RedisSessionService(whole, ttl=3600.0)
