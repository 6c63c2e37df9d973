"""ADK's session service for turns that run: it reads from what was loaded and writes to a stage.

ADK stores the question before it asks the model. Here each event waits on the turn's stage until the turn ends;
what then goes into the store is decided there (`talk_agent.history`), and in one append.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from google.adk.events.event import Event
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig, ListSessionsResponse
from google.adk.sessions.session import Session
from typing_extensions import override

from talk_agent.sessions.port import Conversation

# `temp:` lives for one run; `_adk` is ADK's own bookkeeping of a run.
_NOT_STORED = ("temp:", "_adk")


class Stage:
    """One turn under way: ADK's session object, the events of the turn so far, and the state they changed."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.events: list[Event] = []
        self.state: dict[str, Any] = {}

    def add(self, event: Event) -> None:
        """Takes a complete event of the turn."""
        self.events.append(event)
        delta = event.actions.state_delta if event.actions else {}
        self.state.update({k: v for k, v in delta.items() if not k.startswith(_NOT_STORED)})


class StagingSessionService(BaseSessionService):
    """Knows exactly the sessions whose turn runs now."""

    def __init__(self, app_name: str) -> None:
        self._app_name = app_name
        self._stages: dict[tuple[str, str], Stage] = {}

    @contextmanager
    def stage(self, session_id: str, loaded: Conversation, user: str = "") -> Iterator[Stage]:
        """Opens a turn's stage; the session must not have one, which is what `TurnLock` sees to."""
        user = user or session_id
        key = (user, session_id)
        assert key not in self._stages, "two turns of one session"
        session = Session(
            id=session_id,
            app_name=self._app_name,
            user_id=user,
            state=dict(loaded.state),
            events=loaded.events,
        )
        self._stages[key] = stage = Stage(session)
        try:
            yield stage
        finally:
            del self._stages[key]

    @override
    async def get_session(
        self, *, app_name: str, user_id: str, session_id: str, config: GetSessionConfig | None = None
    ) -> Session | None:
        stage = self._stages.get((user_id, session_id))
        return stage.session if stage else None

    @override
    async def append_event(self, session: Session, event: Event) -> Event:
        event = await super().append_event(session, event)
        if not event.partial:
            self._stages[session.user_id, session.id].add(event)
        return event

    @override
    async def create_session(
        self,
        *,
        app_name: str,
        user_id: str,
        state: dict[str, Any] | None = None,
        session_id: str | None = None,
    ) -> Session:
        raise NotImplementedError("a session is made by its first stored turn")

    @override
    async def list_sessions(self, *, app_name: str, user_id: str | None = None) -> ListSessionsResponse:
        return ListSessionsResponse(sessions=[stage.session for stage in self._stages.values()])

    @override
    async def delete_session(self, *, app_name: str, user_id: str, session_id: str) -> None:
        raise NotImplementedError("sessions end by their time to live")
