"""All that is kept of a session, and its end: for whom it is about, and who answers for it."""

from __future__ import annotations

from typing import Any

from talk_agent.sessions.port import NOT_THERE, Conversation, SessionStore, TurnLock
from talk_kit.errors import NotFound

# More turns than any session has.
ALL_TURNS = 10_000_000


async def exported(store: SessionStore, session_id: str, user: str = "") -> dict[str, Any]:
    """As JSON can hold it: state, and the events of every turn. NotFound where nothing is kept."""
    loaded = await store.load(session_id, ALL_TURNS, user=user)
    if not loaded.version:
        raise NotFound(NOT_THERE)
    turns = [[event.model_dump(mode="json", by_alias=True, exclude_defaults=True) for event in t] for t in loaded.turns]
    summary = next((each for each in await store.sessions(user or session_id) if each.id == session_id), None)
    times = {"created": summary.created, "updated": summary.updated} if summary else {}
    return {"session_id": session_id, **times, "state": dict(loaded.state), "turns": turns}


def transcript(loaded: Conversation) -> list[tuple[str, str]]:
    """Who said what, without tools and thoughts."""
    said = [(event.author, event.content.parts or []) for event in loaded.events if event.content]
    texts = [(author, "".join(p.text for p in parts if p.text and not p.thought)) for author, parts in said]
    return [(author, text) for author, text in texts if text.strip()]


async def deleted(store: SessionStore, lock: TurnLock, session_id: str, user: str = "") -> None:
    """Waits for the session's turn, so that none brings it back. NotFound where nothing is kept."""
    async with lock.hold(session_id, user) as fence:
        if not await store.delete(session_id, fence=fence, user=user):
            raise NotFound(NOT_THERE)
