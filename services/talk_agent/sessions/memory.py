"""Conversations in this process's memory: they end with it."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from talk_agent.sessions.idempotency import Answer
from talk_agent.sessions.port import NOT_THERE, Append, Conversation, SessionSummary, Turn
from talk_kit.errors import NotFound, SessionBusy

_APP = "app:"
_TEMP = "temp:"
# Not printable, so in no name.
_BETWEEN = "\n"
ANSWER_TTL = 86_400.0


@dataclass(slots=True)
class _Stored:
    turns: deque[tuple[str, Turn]]
    state: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    last: str = ""
    created: float = 0.0
    updated: float = 0.0
    used_at: float = 0.0


class MemorySessionStore:
    """At most `max_sessions`, each for `ttl` seconds since its last turn and with its latest `kept_turns`.

    The session that was used longest ago goes first. Answers are kept for `answer_ttl` seconds, at most
    `max_sessions`. One process has no lease to lose: fences are not looked at. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        *,
        ttl: float,
        max_sessions: int,
        kept_turns: int,
        answer_ttl: float = ANSWER_TTL,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl = ttl
        self._max_sessions = max_sessions
        self._kept_turns = kept_turns
        self._answer_ttl = answer_ttl
        self._clock = clock
        self._sessions: OrderedDict[str, _Stored] = OrderedDict()
        self._answers: OrderedDict[tuple[str, str], tuple[float, Answer]] = OrderedDict()
        self._owners: OrderedDict[str, str] = OrderedDict()
        self._app: dict[str, Any] = {}

    async def claim(self, session_id: str, user: str) -> None:
        if self._owners.setdefault(session_id, user) != user:
            raise NotFound(NOT_THERE)
        self._owners.move_to_end(session_id)
        if len(self._owners) > self._max_sessions:
            self._owners.popitem(last=False)

    async def load(self, session_id: str, recent_turns: int, *, key: str = "", user: str = "") -> Conversation:
        self._expire()
        session_id = _name(session_id, user)
        answer = self._answer(session_id, key)
        stored = self._sessions.get(session_id)
        if stored is None:
            return Conversation(state=dict(self._app), answer=answer)
        cut = answer.turn_id if answer and answer.cut else None
        turns = [turn for turn_id, turn in stored.turns if turn and (not cut or turn_id != cut)]
        recent = tuple(turns[-recent_turns:]) if recent_turns > 0 else ()
        return Conversation(recent, {**stored.state, **self._app}, stored.version, answer)

    async def append(self, session_id: str, turn: Append, *, version: int, fence: str = "", user: str = "") -> int:  # noqa: ARG002
        self._expire()
        session_id = _name(session_id, user)
        now = self._clock()
        stored = self._sessions.get(session_id)
        if stored is None:
            stored = _Stored(deque(maxlen=self._kept_turns), version=version, created=time.time())
        if turn.id and stored.last == turn.id:
            return stored.version
        if stored.version != version:
            raise SessionBusy("Another turn of this session was stored meanwhile.")
        self._put(stored, turn)
        stored.version += 1
        stored.last, stored.used_at, stored.updated = turn.id, now, time.time()
        self._sessions[session_id] = stored
        self._sessions.move_to_end(session_id)
        if turn.key and turn.answer:
            self._answers.pop((session_id, turn.key), None)
            self._answers[session_id, turn.key] = (now + self._answer_ttl, replace(turn.answer, place=""))
        return stored.version

    async def sessions(self, user: str) -> list[SessionSummary]:
        self._expire()
        own = [name for name in self._sessions if name == user or name.startswith(_name("", user))]
        found = [(name.rpartition(_BETWEEN)[2], self._sessions[name]) for name in own]
        return [SessionSummary(name, stored.created, stored.updated) for name, stored in found]

    async def delete(self, session_id: str, *, fence: str = "", user: str = "") -> bool:  # noqa: ARG002
        self._expire()
        session_id = _name(session_id, user)
        for key in [key for key in self._answers if key[0] == session_id]:
            del self._answers[key]
        return self._sessions.pop(session_id, None) is not None

    async def check(self) -> None:
        return None

    def count(self) -> int:
        self._expire()
        return len(self._sessions)

    async def close(self) -> None:
        return None

    def _put(self, stored: _Stored, turn: Append) -> None:
        if turn.replaces is not None:
            hidden = turn.replaces.turn_id
            kept = [(each, () if each == hidden else events) for each, events in stored.turns]
            stored.turns = deque(kept, maxlen=self._kept_turns)
        if turn.turn:
            stored.turns.append((turn.id, turn.turn))
        for name, value in turn.state.items():
            if not name.startswith(_TEMP):
                (self._app if name.startswith(_APP) else stored.state)[name] = value

    def _answer(self, session_id: str, key: str) -> Answer | None:
        until, answer = self._answers.get((session_id, key), (0.0, None))
        return answer if key and until > self._clock() else None

    def _expire(self) -> None:
        now = self._clock()
        while self._answers:
            until, _ = next(iter(self._answers.values()))
            if until > now and len(self._answers) <= self._max_sessions:
                break
            self._answers.popitem(last=False)
        while self._sessions:
            stored = next(iter(self._sessions.values()))
            if stored.used_at > now - self._ttl and len(self._sessions) <= self._max_sessions:
                return
            self._sessions.popitem(last=False)


def _name(session_id: str, user: str) -> str:
    return f"{user}{_BETWEEN}{session_id}" if user else session_id
