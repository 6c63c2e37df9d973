"""Conversations in this process's memory: they end with it."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from talk_agent.sessions.port import Append, Conversation, Turn
from talk_kit.errors import SessionBusy


@dataclass(slots=True)
class _Stored:
    turns: deque[Turn]
    state: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    used_at: float = 0.0


class MemorySessionStore:
    """At most `max_sessions`, each for `ttl` seconds since its last turn and with its latest `kept_turns`.

    The session that was used longest ago goes first. `clock` is monotonic, in seconds.
    """

    def __init__(
        self, *, ttl: float, max_sessions: int, kept_turns: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ttl = ttl
        self._max_sessions = max_sessions
        self._kept_turns = kept_turns
        self._clock = clock
        self._sessions: OrderedDict[str, _Stored] = OrderedDict()

    async def load(self, session_id: str, recent_turns: int) -> Conversation:
        self._expire()
        stored = self._sessions.get(session_id)
        if stored is None:
            return Conversation()
        turns = tuple(stored.turns)[-recent_turns:] if recent_turns > 0 else ()
        return Conversation(turns, dict(stored.state), stored.version)

    async def append(self, session_id: str, turn: Append, *, version: int) -> int:
        self._expire()
        stored = self._sessions.get(session_id) or _Stored(deque(maxlen=self._kept_turns), version=version)
        if stored.version != version:
            raise SessionBusy("Another turn of this session was stored meanwhile.")
        stored.turns.append(turn.turn)
        stored.state.update(turn.state)
        stored.version += 1
        stored.used_at = self._clock()
        self._sessions[session_id] = stored
        self._sessions.move_to_end(session_id)
        return stored.version

    async def check(self) -> None:
        return None

    def count(self) -> int:
        self._expire()
        return len(self._sessions)

    def _expire(self) -> None:
        oldest_kept = self._clock() - self._ttl
        while self._sessions:
            session_id, stored = next(iter(self._sessions.items()))
            if stored.used_at > oldest_kept and len(self._sessions) <= self._max_sessions:
                return
            del self._sessions[session_id]
