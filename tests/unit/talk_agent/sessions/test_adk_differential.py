"""Random operations, done to ADK's in-memory service and to ours: both end the same."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Coroutine
from typing import Any

import pytest
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from google.adk.sessions.session import Session
from google.genai import types
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from talk_agent.sessions.adk_service import RedisSessionService
from talk_agent.sessions.redis_server import RedisServer
from tests.fakes.valkey import Valkey

USERS = st.sampled_from(["u1", "u2", "{u}"])
NAMES = st.sampled_from(["a", "b", " a", "a:b", "a}"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KEYS = st.builds(str.__add__, st.sampled_from(["", "app:", "user:", "temp:"]), st.sampled_from(["x", "y", "", "ü:"]))
STATE = st.dictionaries(KEYS, VALUES, max_size=4)
PARTS = st.one_of(
    st.builds(types.Part, text=st.text(max_size=8)),
    st.builds(
        lambda name, args: types.Part(function_call=types.FunctionCall(id="c", name=name, args=args)),
        st.sampled_from(["f", "g"]),
        st.dictionaries(st.text(max_size=3), VALUES, max_size=2),
    ),
    st.builds(lambda data: types.Part.from_bytes(data=data, mime_type="image/png"), st.binary(max_size=6)),
)
EVENTS = st.builds(
    lambda parts, state, stamp, partial, author: Event(
        author=author,
        timestamp=stamp,
        partial=partial,
        content=types.Content(role="user", parts=parts) if parts else None,
        actions=EventActions(state_delta=state),
    ),
    st.lists(PARTS, max_size=2),
    STATE,
    st.floats(1, 50),
    st.sampled_from([None, None, None, False, True]),
    st.sampled_from(["user", "agent"]),
)


class Services(RuleBasedStateMachine):
    """Every operation goes to both; what they return, raise and store is compared."""

    valkey: Valkey
    loop: asyncio.AbstractEventLoop

    def __init__(self) -> None:
        super().__init__()
        self.app = f"app-{secrets.token_hex(6)}"
        self.server = RedisServer(self.valkey.address)
        self.ours = RedisSessionService(self.server)
        self.adks = InMemorySessionService()

    def teardown(self) -> None:
        self._run(self.server.close())

    @rule(user=USERS, name=NAMES, state=STATE)
    def create(self, user: str, name: str, state: dict[str, Any]) -> None:
        async def one(service: BaseSessionService) -> object:
            try:
                made = await service.create_session(app_name=self.app, user_id=user, session_id=name, state=dict(state))
            except AlreadyExistsError:
                return "exists"
            return _shown(made)

        self._both(one)

    @rule(user=USERS, name=NAMES, events=st.lists(EVENTS, min_size=1, max_size=4), again=st.booleans())
    def append(self, user: str, name: str, events: list[Event], again: bool) -> None:
        async def one(service: BaseSessionService) -> object:
            session = await service.get_session(app_name=self.app, user_id=user, session_id=name)
            if session is None:
                return None
            given = [event.model_copy(deep=True) for event in events]
            given += [given[0].model_copy(deep=True)] if again else []
            returned = [await service.append_event(session, event) for event in given]
            return [event.model_dump() for event in returned], _shown(session)

        self._both(one)

    @rule(user=USERS, name=NAMES, event=EVENTS)
    def append_to_what_was_deleted(self, user: str, name: str, event: Event) -> None:
        async def one(service: BaseSessionService) -> object:
            where: dict[str, Any] = {"app_name": self.app, "user_id": user, "session_id": name}
            session = await service.get_session(**where)
            if session is None:
                return None
            await service.delete_session(**where)
            try:
                await service.append_event(session, event.model_copy(deep=True))
            except SessionNotFoundError:
                return "not found", _shown(session)
            return "partial", _shown(session)

        self._both(one)

    @rule(user=USERS, name=NAMES)
    def delete(self, user: str, name: str) -> None:
        self._both(lambda one: one.delete_session(app_name=self.app, user_id=user, session_id=name))

    @rule(user=USERS, name=NAMES, recent=st.none() | st.integers(0, 6), after=st.none() | st.floats(0, 60))
    def get(self, user: str, name: str, recent: int | None, after: float | None) -> None:
        config = GetSessionConfig(num_recent_events=recent, after_timestamp=after)

        async def one(service: BaseSessionService) -> object:
            found = await service.get_session(app_name=self.app, user_id=user, session_id=name, config=config)
            return found and _shown(found)

        self._both(one)

    @rule(user=USERS)
    def user_state(self, user: str) -> None:
        self._both(lambda one: one.get_user_state(app_name=self.app, user_id=user))

    @rule(user=st.none() | USERS)
    def listed(self, user: str | None) -> None:
        self._compare_lists(user)

    @invariant()
    def all_sessions_are_the_same(self) -> None:
        self._compare_lists(None)

    def _compare_lists(self, user: str | None) -> None:
        async def one(service: BaseSessionService) -> object:
            found = (await service.list_sessions(app_name=self.app, user_id=user)).sessions
            shown = [_shown(session) for session in found]
            # Two that were made within the clock's resolution may be in either order.
            return sorted(shown, key=lambda each: (each["user_id"], each["id"]))

        self._both(one)

    def _both(self, operation: Any) -> None:
        assert self._run(operation(self.ours)) == self._run(operation(self.adks))

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)


def _shown(session: Session) -> dict[str, Any]:
    """All of it but the clock's: a session without events was changed when it was made."""
    shown = session.model_dump()
    if not session.events:
        shown.pop("last_update_time")
    return shown


def test_ours_does_what_adks_in_memory_service_does(shared_valkey: Valkey) -> None:
    loop = asyncio.new_event_loop()
    try:
        run_state_machine_as_test(
            type("OnValkey", (Services,), {"valkey": shared_valkey, "loop": loop}),
            settings=settings(
                max_examples=25,
                stateful_step_count=25,
                deadline=None,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
            ),
        )
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


@pytest.mark.parametrize("value", [{1, 2}, object()])
async def test_what_is_no_json_is_stored_as_adks_database_stores_it(
    adk: RedisSessionService, agent: str, value: object
) -> None:
    made = await adk.create_session(app_name=agent, user_id="u", state={"odd": value})
    assert isinstance(made.state["odd"], list | str)
