"""Sessions of an agent that would rather forget than be silent (`session.required: false`)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from talk_agent.sessions.lock import LocalTurnLock
from talk_agent.sessions.port import Append, Conversation, SessionStore, SessionSummary, TurnLock
from talk_kit.errors import Unavailable
from talk_kit.logs import get_logger

log = get_logger(__name__)

# The version of a conversation that was not read: what follows it is not stored, or it would hide what is.
_UNREAD = -1


class OptionalSessions:
    """A store and a lock in front of others: while those cannot be reached, turns run without history.

    A turn of which one part could not be read is not stored, so that what is stored stays whole.
    """

    def __init__(self, store: SessionStore, lock: TurnLock, *, wait: float) -> None:
        self._store = store
        self._lock = lock
        self._local = LocalTurnLock(wait=wait)

    @asynccontextmanager
    async def hold(self, session_id: str, user: str = "") -> AsyncIterator[str]:
        # The own line comes first: while Redis comes and goes, callers with and without a lease must not meet.
        async with self._local.hold(session_id, user), AsyncExitStack() as held:
            fence = ""
            try:
                fence = await held.enter_async_context(self._lock.hold(session_id, user))
            except Unavailable as error:
                log.warning("turn_without_lease", reason=error.detail)
            yield fence

    async def claim(self, session_id: str, user: str) -> None:
        try:
            await self._store.claim(session_id, user)
        except Unavailable as error:
            log.warning("session_not_claimed", reason=error.detail)

    async def load(self, session_id: str, recent_turns: int, *, key: str = "", user: str = "") -> Conversation:
        try:
            return await self._store.load(session_id, recent_turns, key=key, user=user)
        except Unavailable as error:
            log.warning("turn_without_history", reason=error.detail)
            return Conversation(version=_UNREAD)

    async def append(self, session_id: str, turn: Append, *, version: int, fence: str = "", user: str = "") -> int:
        if version == _UNREAD:
            return _UNREAD
        try:
            return await self._store.append(session_id, turn, version=version, fence=fence, user=user)
        except Unavailable as error:
            log.warning("turn_not_stored", reason=error.detail)
            return _UNREAD

    async def sessions(self, user: str) -> Sequence[SessionSummary]:
        return await self._store.sessions(user)

    async def delete(self, session_id: str, *, fence: str = "", user: str = "") -> bool:
        return await self._store.delete(session_id, fence=fence, user=user)

    async def check(self) -> None:
        await self._store.check()

    def count(self) -> int:
        return self._store.count()

    async def close(self) -> None:
        await self._store.close()

    def __len__(self) -> int:
        """Sessions that are held or waited for in this process."""
        return len(self._local)
