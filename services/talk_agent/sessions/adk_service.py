"""ADK's session service on Talk's keys, to ADK's contract: for tools of ADK that want one.

Turns do not use it: they store a whole turn at once (`redis_store`). Here each event is stored as it comes.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from google.adk.errors._stale_session_error import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig, ListSessionsResponse
from google.adk.sessions.session import Session
from pydantic import PrivateAttr
from typing_extensions import override

from talk_agent.sessions import scripts
from talk_agent.sessions.codec import (
    Meta,
    decode_state,
    decode_turn,
    encode_state,
    encode_turn,
    merged_state,
    state_parts,
)
from talk_agent.sessions.keys import SessionKeys, agent_keys, session_keys
from talk_agent.sessions.redis_server import Server
from talk_agent.sessions.redis_store import append_keys, checked, delete_keys, milliseconds
from talk_kit.errors import SessionBusy
from talk_kit.names import new_id
from talk_kit.session_keys import SCHEMA

_STALE = "The session was changed by another writer since it was read; get it again."


@dataclass(slots=True)
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    present: int = 0


class _KnownSession(Session):
    """With the ids of its events, so that an append does not look through all of them."""

    _ids: set[str] = PrivateAttr(default_factory=set)


class RedisSessionService(BaseSessionService):
    """`ttl` in seconds since the last event; 0 is for ever.

    An event of a session object that is no longer current raises StaleSessionError, and nothing is stored.
    """

    def __init__(self, server: Server, *, ttl: float = 0.0) -> None:
        self._server = server
        self._ttl = milliseconds(ttl)
        self._writers: dict[tuple[str, str, str], _Line] = {}

    @override
    async def create_session(
        self, *, app_name: str, user_id: str, state: dict[str, Any] | None = None, session_id: str | None = None
    ) -> Session:
        name = (session_id or "").strip() or new_id()
        keys, parts, now = session_keys(app_name, user_id, name), state_parts(state or {}), time.time()
        args: list[scripts.Argument] = [SCHEMA, new_id(), repr(now), self._ttl, _bytes(name)]
        args += [*encode_state(parts["session"]), *encode_state(parts["user"])]
        if parts["app"]:
            if (await self._read(keys, 0))[0].exists:
                raise AlreadyExistsError(f"Session with id {name} already exists.")
            await self._store_app(app_name, parts["app"])
        used = scripts.USED.call((agent_keys(app_name).users,), (_bytes(user_id), self._ttl))
        made = scripts.CREATE.call((keys.meta, keys.user, keys.index), args)
        _, answer = await self._server.run(used, made)
        if bytes(checked(answer)[0]) == b"exists":
            raise AlreadyExistsError(f"Session with id {name} already exists.")
        session = await self._get(app_name, user_id, name, 0)
        assert session is not None, "a session that was made just now"
        return session

    @override
    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: GetSessionConfig | None = None
    ) -> Session | None:
        recent = config.num_recent_events if config else None
        session = await self._get(app_name, user_id, session_id.strip(), -1 if recent is None else recent)
        if session is not None and config is not None and config.after_timestamp is not None:
            session.events = _after(session.events, config.after_timestamp)
        return session

    @override
    async def list_sessions(self, *, app_name: str, user_id: str | None = None) -> ListSessionsResponse:
        users = [user_id] if user_id is not None else await self._users(app_name)
        found = [session for user in users for session in await self._sessions_of(app_name, user)]
        found.sort(key=lambda session: (session.last_update_time, session.user_id, session.id))
        return ListSessionsResponse(sessions=found)

    @override
    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        name = session_id.strip()
        call = scripts.DELETE.call(delete_keys(session_keys(app_name, user_id, name)), (SCHEMA, _bytes(name), "", ""))
        checked((await self._server.run(call))[0])

    @override
    async def get_user_state(self, *, app_name: str, user_id: str) -> dict[str, Any]:
        (pairs,) = await self._server.run(("HGETALL", session_keys(app_name, user_id, "").user))
        return decode_state(pairs)

    @override
    async def append_event(self, session: Session, event: Event) -> Event:
        if event.partial:
            return event
        async with self._writer(session):
            return await self._append(session, event)

    async def _append(self, session: Session, event: Event) -> Event:
        keys = session_keys(session.app_name, session.user_id, session.id)
        if _has(session, event):
            await self._current(session, keys)
            return event  # the same event again: it is stored already
        stored = _without_temp(event)
        parts = state_parts(stored.actions.state_delta)
        if parts["app"]:
            await self._current(session, keys)
            await self._store_app(session.app_name, parts["app"])
        answer = await self._store(session, keys, stored, parts)
        self._apply_temp_state(session, event)
        event = self._commit_event_to_session(session, self._trim_temp_delta_state(event))
        if isinstance(session, _KnownSession):
            session._ids.add(event.id)
        session._storage_update_marker = answer.decode()
        session.last_update_time = event.timestamp
        return event

    async def _store(
        self, session: Session, keys: SessionKeys, event: Event, parts: Mapping[str, Mapping[str, Any]]
    ) -> bytes:
        element = encode_turn(event.id, [event])
        append_id = hashlib.sha256(element).hexdigest()[:32]
        version = session._storage_update_marker or ""
        args: list[scripts.Argument] = [SCHEMA, append_id, version, "", element, repr(event.timestamp)]
        args += [self._ttl, _bytes(session.id), "", "", "", 0, "", "", "", ""]
        args += [*encode_state(parts["session"]), *encode_state(parts["user"])]
        used = scripts.USED.call((agent_keys(session.app_name).users,), (_bytes(session.user_id), self._ttl))
        _, answer = await self._server.run(used, scripts.APPEND.call(append_keys(keys), args))
        if bytes(answer[0]) == b"missing":
            raise SessionNotFoundError(f"Session {session.id} not found.")
        try:
            return bytes(checked(answer)[1])
        except SessionBusy:
            raise StaleSessionError(_STALE) from None

    async def _current(self, session: Session, keys: SessionKeys) -> None:
        meta = (await self._read(keys, 0))[0]
        if not meta.exists:
            raise SessionNotFoundError(f"Session {session.id} not found.")
        if session._storage_update_marker not in (None, str(meta.version)):
            raise StaleSessionError(_STALE)

    async def _store_app(self, app_name: str, state: Mapping[str, Any]) -> None:
        """In another slot than the session, and before it: see docs/reference/redis-keys.md."""
        await self._server.run(("HSET", agent_keys(app_name).app, *encode_state(state)[1:]))

    async def _read(self, keys: SessionKeys, count: int) -> tuple[Meta, list[bytes], list[bytes]]:
        call = scripts.LOAD.call((keys.meta, keys.events, keys.user, keys.answers), (SCHEMA, count, ""))
        _, meta, tail, user, _ = checked((await self._server.run(call))[0])
        return Meta(meta), tail, user

    async def _get(self, app_name: str, user_id: str, name: str, count: int) -> Session | None:
        meta, tail, user = await self._read(session_keys(app_name, user_id, name), count)
        if not meta.exists:
            return None
        (app,) = await self._server.run(("HGETALL", agent_keys(app_name).app))
        events = [event for element in tail for event in decode_turn(element)[1]]
        session = _KnownSession(
            id=name,
            app_name=app_name,
            user_id=user_id,
            state=merged_state(meta.state, user, app),
            events=events[-count:] if count > 0 else events,
            last_update_time=meta.updated,
        )
        session._storage_update_marker = str(meta.version)
        session._ids = {event.id for event in session.events}
        return session

    async def _sessions_of(self, app_name: str, user_id: str) -> list[Session]:
        index = session_keys(app_name, user_id, "").index
        names = [_text(name) for name in (await self._server.run(("ZRANGE", index, 0, -1)))[0]]
        found = [await self._get(app_name, user_id, name, 0) for name in names]
        return [session for session in found if session is not None]

    async def _users(self, app_name: str) -> list[str]:
        return [_text(user) for user in (await self._server.run(("ZRANGE", agent_keys(app_name).users, 0, -1)))[0]]

    @asynccontextmanager
    async def _writer(self, session: Session) -> AsyncIterator[None]:
        """Writers of this process take turns, so that parallel branches that share a session object all succeed."""
        key = (session.app_name, session.user_id, session.id)
        line = self._writers.setdefault(key, _Line())
        line.present += 1
        try:
            async with line.lock:
                yield
        finally:
            line.present -= 1
            if not line.present:
                del self._writers[key]


def _has(session: Session, event: Event) -> bool:
    """Whether an equal event is there. Events of one id may differ, and are then all kept."""
    if isinstance(session, _KnownSession) and event.id not in session._ids:
        return False
    return any(stored == event for stored in session.events if stored.id == event.id)


def _without_temp(event: Event) -> Event:
    """What is stored: `temp:` keys live for one run only."""
    delta = {key: value for key, value in event.actions.state_delta.items() if not key.startswith("temp:")}
    return event.model_copy(update={"actions": event.actions.model_copy(update={"state_delta": delta})})


def _after(events: list[Event], timestamp: float) -> list[Event]:
    """Those behind the last one that is older: as ADK reads it, from the end."""
    older = [at for at, event in enumerate(events) if event.timestamp < timestamp]
    return events[older[-1] + 1 :] if older else events


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def _text(name: bytes) -> str:
    return name.decode("utf-8", "surrogatepass")
