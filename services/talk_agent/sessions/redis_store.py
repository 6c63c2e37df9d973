"""Conversations in Redis: one list of turns a session, only ever appended to, one script an append."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from talk_agent.sessions import scripts
from talk_agent.sessions.codec import (
    Meta,
    decode_turn,
    encode_state,
    encode_turn,
    hidden_turn,
    merged_state,
    starts_turn,
    state_parts,
    turn_prefix,
)
from talk_agent.sessions.idempotency import Answer, decode_answer, encode_answer, field_of
from talk_agent.sessions.keys import SessionKeys, agent_keys, owner_key, session_keys
from talk_agent.sessions.port import NOT_THERE, Append, Conversation, SessionSummary, Turn
from talk_agent.sessions.redis_errors import Lost, UnknownSchema
from talk_agent.sessions.redis_server import RedisServer, Server
from talk_kit.errors import NotFound, SessionBusy
from talk_kit.names import new_id
from talk_kit.session_keys import SCHEMA, SCHEMA_KEY

# A turn's end is worth waiting for: a restarted Redis is back within these seconds.
APPEND_SECONDS = 8.0
RETRY_SECONDS = 0.1
PROBE_SECONDS = 60
# A claim outlives its session, whose own time begins anew at the end of the turn: by an hour.
CLAIM_MILLISECONDS = 3_600_000


class RedisSessionStore:
    """Sessions of one agent, each for `ttl` seconds after its last turn; answers for `answer_ttl` seconds."""

    def __init__(self, server: Server, agent: str, *, ttl: float, answer_ttl: float) -> None:
        self._server = server
        self._agent = agent
        self._ttl = milliseconds(ttl)
        self._answer_ttl = milliseconds(answer_ttl)
        self._own = agent_keys(agent)
        self._count = 0

    async def claim(self, session_id: str, user: str) -> None:
        ttl = self._ttl and self._ttl + CLAIM_MILLISECONDS
        call = scripts.CLAIM.call((owner_key(self._agent, session_id),), (_bytes(user), ttl))
        if (await self._server.run(call))[0] != 1:
            raise NotFound(NOT_THERE)

    async def owner(self, session_id: str) -> str:
        """Whose a session is; empty where callers were not told apart."""
        (found,) = await self._server.run(("GET", owner_key(self._agent, session_id)))
        return found.decode("utf-8", "surrogatepass") if found else ""

    async def load(self, session_id: str, recent_turns: int, *, key: str = "", user: str = "") -> Conversation:
        keys = session_keys(self._agent, user or session_id, session_id)
        ask = recent_turns + bool(key and recent_turns)
        while True:
            args = (SCHEMA, ask, field_of(key) if key else "")
            call = scripts.LOAD.call((keys.meta, keys.events, keys.user, keys.answers), args)
            answer, app = await self._server.run(call, ("HGETALL", self._own.app))
            _, meta, tail, shared, kept = checked(answer)
            found = _answer(kept)
            turns = _turns(tail, whole=len(tail) < ask, without=found.turn_id if found and found.cut else None)
            if len(turns) >= recent_turns or len(tail) < ask:
                break
            ask *= 4
        read = Meta(meta)
        recent = turns[-recent_turns:] if recent_turns else ()
        return Conversation(tuple(recent), merged_state(read.state, shared, app), read.version, found)

    async def append(self, session_id: str, turn: Append, *, version: int, fence: str = "", user: str = "") -> int:
        """While Redis is away, tries for APPEND_SECONDS; a turn that was stored before its answer was lost is not
        stored twice.
        """
        user = user or session_id
        keys = session_keys(self._agent, user, session_id)
        state = state_parts(turn.state)
        if state["app"]:
            await self._store_app(keys, state["app"], version)
        args = [SCHEMA, turn.id or new_id(), version, fence, *self._args(session_id, turn)]
        args += [*encode_state(state["session"]), *encode_state(state["user"])]
        used = scripts.USED.call((self._own.users,), (_bytes(user), self._ttl))
        call = scripts.APPEND.call(append_keys(keys), args)
        _, answer = await self._patiently(used, call)
        return int(checked(answer)[1])

    async def sessions(self, user: str) -> list[SessionSummary]:
        index = session_keys(self._agent, user, user).index
        names = [
            name.decode("utf-8", "surrogatepass") for name in (await self._server.run(("ZRANGE", index, 0, -1)))[0]
        ]
        found = [
            SessionSummary(name, meta.created, meta.updated)
            for name in names
            if (meta := await self._meta(user, name)).exists
        ]
        return sorted(found, key=lambda each: (each.updated, each.id))

    async def users(self) -> list[str]:
        """Whose sessions are kept, the one active last at the end; some may have ended since."""
        names = (await self._server.run(("ZRANGE", self._own.users, 0, -1)))[0]
        return [name.decode("utf-8", "surrogatepass") for name in names]

    async def delete(self, session_id: str, *, fence: str = "", user: str = "") -> bool:
        keys = session_keys(self._agent, user or session_id, session_id)
        call = scripts.DELETE.call(delete_keys(keys), (SCHEMA, session_id, fence, "1"))
        _, existed, left = checked((await self._server.run(call))[0])
        if not left:
            await self._server.run(("ZREM", self._own.users, _bytes(user or session_id)))
        if user:
            await self._server.run(("DEL", owner_key(self._agent, session_id)))
        return bool(existed == b"1")

    async def check(self) -> None:
        """Writes a key, so that a full or read-only server is seen too; the server's version was checked before."""
        (found,) = await self._server.run(("GET", SCHEMA_KEY))
        if found is None:  # a user of one agent may read it only: there the operator keeps it
            (found,) = await self._server.run(("SET", SCHEMA_KEY, SCHEMA, "NX", "GET"))
        probe = ("SET", self._own.probe, "1", "EX", PROBE_SECONDS)
        if found not in (None, SCHEMA.encode()):
            raise UnknownSchema(found.decode("utf-8", "replace"), SCHEMA)
        _, self._count = await self._server.run(probe, ("ZCARD", self._own.users))

    def count(self) -> int:
        return self._count

    async def close(self) -> None:
        if isinstance(self._server, RedisServer):
            await self._server.close()

    async def _meta(self, user: str, session_id: str) -> Meta:
        keys = session_keys(self._agent, user, session_id)
        call = scripts.LOAD.call((keys.meta, keys.events, keys.user, keys.answers), (SCHEMA, 0, ""))
        return Meta(checked((await self._server.run(call))[0])[1])

    async def _store_app(self, keys: SessionKeys, state: dict[str, Any], version: int) -> None:
        """`app:` keys are of another slot, and go first: a crash leaves their value without the turn, never the turn
        without them.
        """
        call = scripts.LOAD.call((keys.meta, keys.events, keys.user, keys.answers), (SCHEMA, 0, ""))
        stored = Meta(checked((await self._server.run(call))[0])[1])
        if stored.exists and stored.version != version:
            raise SessionBusy("Another turn of this session was stored meanwhile.")
        await self._server.run(("HSET", self._own.app, *encode_state(state)[1:]))

    def _args(self, session_id: str, turn: Append) -> list[str | bytes | int]:
        element = encode_turn(turn.id, turn.turn) if turn.turn else b""
        args: list[str | bytes | int] = [element, "", self._ttl, _bytes(session_id), "1"]
        if turn.key and turn.answer:
            args += [field_of(turn.key), encode_answer(turn.answer), self._answer_ttl, "1" if turn.answer.cut else ""]
        else:
            args += ["", "", 0, ""]
        replaced = turn.replaces
        if replaced is None or not replaced.place:
            return [*args, "", "", ""]
        return [*args, replaced.place, turn_prefix(replaced.turn_id), hidden_turn(replaced.turn_id)]

    async def _patiently(self, *commands: scripts.Call) -> list[Any]:
        clock = asyncio.get_running_loop().time
        until = clock() + APPEND_SECONDS
        while True:
            try:
                return await self._server.run(*commands)
            except Lost:
                if clock() > until:
                    raise
            await asyncio.sleep(RETRY_SECONDS * (0.5 + random.random()))  # noqa: S311 - spreads replicas


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")


def milliseconds(seconds: float) -> int:
    """For PEXPIRE; at least 1."""
    return max(1, round(seconds * 1000)) if seconds else 0


def append_keys(keys: SessionKeys) -> tuple[str, ...]:
    """As append.lua takes them."""
    return (keys.meta, keys.events, keys.user, keys.index, keys.lease, keys.answers, keys.answer_ends)


def delete_keys(keys: SessionKeys) -> tuple[str, ...]:
    """As delete.lua takes them."""
    return (keys.meta, keys.events, keys.index, keys.lease, keys.answers, keys.answer_ends, keys.user)


def checked(answer: list[Any]) -> list[Any]:
    """A script's answer where it is `ok`."""
    outcome = bytes(answer[0])
    if outcome == b"schema":
        raise UnknownSchema(bytes(answer[1]).decode("utf-8", "replace"), SCHEMA)
    if outcome == b"version":
        raise SessionBusy("Another turn of this session was stored meanwhile.")
    if outcome == b"fence":
        raise SessionBusy("This turn was away for too long: another may have its session now.")
    return answer


def _answer(kept: bytes | None) -> Answer | None:
    if not kept:
        return None
    _, place, written = kept.split(b":", 2)
    return decode_answer(written, place.decode())


def _turns(elements: Sequence[bytes], *, whole: bool, without: str | None) -> list[Turn]:
    """Elements grouped into turns: one each as `append` writes them, several where single events were stored.

    What precedes the first turn's beginning is left out, unless the list is `whole`.
    """
    turns: list[Turn] = []
    for element in elements:
        turn_id, events = decode_turn(element)
        if not events or turn_id == without:
            continue
        if starts_turn(events) or (whole and not turns):
            turns.append(events)
        elif turns:
            turns[-1] += events
    return turns
