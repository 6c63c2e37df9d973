"""The store and the lock of an agent: in Redis where one is configured, else in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from talk_agent.metrics import redis_metrics
from talk_agent.sessions.lease import RedisTurnLock
from talk_agent.sessions.lock import LocalTurnLock
from talk_agent.sessions.memory import MemorySessionStore
from talk_agent.sessions.optional import OptionalSessions
from talk_agent.sessions.port import SessionStore, TurnLock
from talk_agent.sessions.redis_figures import ObservedRedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_agent.settings import Settings
from talk_kit.errors import Unavailable
from talk_kit.logs import get_logger
from talk_kit.names import name_for_gateway
from talk_kit.talkagent import TalkAgent

log = get_logger(__name__)


def build_sessions(settings: Settings, agent: TalkAgent) -> tuple[SessionStore, TurnLock]:
    """Nothing is connected yet."""
    session = agent.spec.session
    address = settings.redis()
    if address is None:
        store = MemorySessionStore(
            ttl=session.ttl,
            max_sessions=settings.max_sessions,
            kept_turns=session.recent_turns,
            answer_ttl=settings.idempotency_ttl,
        )
        return store, LocalTurnLock(wait=settings.session_wait)
    server = ObservedRedisServer(address, redis_metrics())
    # Agents of several namespaces share one Redis.
    name = name_for_gateway(agent.name, settings.agent_namespace)
    kept = RedisSessionStore(server, name, ttl=session.ttl, answer_ttl=settings.idempotency_ttl)
    lease = RedisTurnLock(server, name, wait=settings.session_wait, lease=settings.session_lease)
    if session.required:
        return kept, lease
    either = OptionalSessions(kept, lease, wait=settings.session_wait)
    return either, either


@asynccontextmanager
async def open_sessions(store: SessionStore) -> AsyncIterator[None]:
    """Says at start what is wrong with the store, which `/ready` goes on saying, and closes it at the end."""
    try:
        await store.check()
    except Unavailable as error:
        log.error("sessions_unavailable", reason=error.detail)
    try:
        yield
    finally:
        await store.close()
