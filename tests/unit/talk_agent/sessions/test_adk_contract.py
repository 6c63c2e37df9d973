"""ADK's contract for session services: what its own suite checks, and what its in-memory service does."""

from __future__ import annotations

from typing import Any

import pytest
from google.adk.errors._stale_session_error import StaleSessionError
from google.adk.errors.already_exists_error import AlreadyExistsError
from google.adk.errors.session_not_found_error import SessionNotFoundError
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig
from google.adk.sessions.in_memory_session_service import InMemorySessionService
from google.adk.sessions.session import Session
from google.genai import types

from talk_agent.sessions.adk_service import RedisSessionService

USER = "test_user"


@pytest.fixture(params=["redis", "memory"])
def service(request: pytest.FixtureRequest, adk: RedisSessionService) -> BaseSessionService:
    """Both, so that the tests say what ADK does, not what we think it does."""
    return InMemorySessionService() if request.param == "memory" else adk


def said(text: str = "text", **fields: Any) -> Event:
    content = types.Content(role="user", parts=[types.Part(text=text)])
    return Event(**{"invocation_id": "invocation", "author": "user", "content": content, **fields})


def changing(**state: Any) -> Event:
    return said(actions=EventActions(state_delta=prefixed(state)))


async def made(service: BaseSessionService, agent: str, name: str | None = None, **state: Any) -> Session:
    return await service.create_session(app_name=agent, user_id=USER, session_id=name, state=prefixed(state))


def prefixed(state: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", ":"): value for name, value in state.items()}


async def got(service: BaseSessionService, session: Session, **config: Any) -> Session:
    found = await service.get_session(
        app_name=session.app_name,
        user_id=session.user_id,
        session_id=session.id,
        config=GetSessionConfig(**config) if config else None,
    )
    assert found is not None
    return found


async def test_an_unknown_session_is_none(service: BaseSessionService, agent: str) -> None:
    assert await service.get_session(app_name=agent, user_id=USER, session_id="123") is None


async def test_a_session_is_read_as_it_was_made_until_it_is_deleted(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent, key="value")
    assert session.id
    assert session.state == {"key": "value"}
    assert await got(service, session) == session

    await service.delete_session(app_name=agent, user_id=USER, session_id=session.id)

    assert await service.get_session(app_name=agent, user_id=USER, session_id=session.id) is None
    await service.delete_session(app_name=agent, user_id=USER, session_id=session.id)


async def test_a_name_is_taken_once_and_trimmed(service: BaseSessionService, agent: str) -> None:
    assert (await made(service, agent, "  one ")).id == "one"
    with pytest.raises(AlreadyExistsError):
        await made(service, agent, "one", app__key=1)
    assert (await made(service, agent, "two")).state == {}
    assert (await made(service, agent, "  ")).id.strip()


async def test_sessions_are_listed_by_last_use_without_events(service: BaseSessionService, agent: str) -> None:
    names = [f"session{number}" for number in range(5)]
    sessions = [await made(service, agent, name) for name in names]
    listed = await service.list_sessions(app_name=agent, user_id=USER)
    assert [session.id for session in listed.sessions] == names

    await service.append_event(sessions[0], said())
    await service.create_session(app_name=agent, user_id="other", session_id="theirs")

    listed = await service.list_sessions(app_name=agent, user_id=USER)
    assert [session.id for session in listed.sessions] == [*names[1:], names[0]]
    assert all(session.events == [] for session in listed.sessions)
    everybody = await service.list_sessions(app_name=agent)
    assert {session.id for session in everybody.sessions} == {*names, "theirs"}


async def test_state_goes_where_its_prefix_says(service: BaseSessionService, agent: str) -> None:
    first = await made(service, agent, "session11", key11="value11")
    await made(service, agent, "session12", key12="value12")
    await service.create_session(app_name=agent, user_id="user2", session_id="session2")

    await service.append_event(first, changing(app__key="value", user__key1="value1", temp__key="t", key11="new"))

    assert first.state == {"app:key": "value", "user:key1": "value1", "temp:key": "t", "key11": "new"}
    assert first.events[0].actions.state_delta == {"app:key": "value", "user:key1": "value1", "key11": "new"}
    assert (await got(service, first)).state == {"app:key": "value", "user:key1": "value1", "key11": "new"}
    second = await service.get_session(app_name=agent, user_id=USER, session_id="session12")
    assert second is not None
    assert second.state == {"app:key": "value", "user:key1": "value1", "key12": "value12"}
    theirs = await service.get_session(app_name=agent, user_id="user2", session_id="session2")
    assert theirs is not None
    assert theirs.state == {"app:key": "value"}
    assert await service.get_user_state(app_name=agent, user_id=USER) == {"key1": "value1"}
    assert await service.get_user_state(app_name=agent, user_id="nobody") == {}


async def test_a_new_session_sees_what_is_shared(service: BaseSessionService, agent: str) -> None:
    first = await made(service, agent, key1="value1", user__name="Asha", app__color="red", temp__x=1)
    assert first.state == {"key1": "value1", "user:name": "Asha", "app:color": "red"}
    await service.append_event(first, changing(app__key="value", user__key1="value1", temp__key="temp"))

    second = await made(service, agent)

    assert second.state == {"app:color": "red", "app:key": "value", "user:name": "Asha", "user:key1": "value1"}


async def test_user_state_outlives_its_sessions(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent, user__name="Asha")
    await service.delete_session(app_name=agent, user_id=USER, session_id=session.id)
    assert (await made(service, agent)).state == {"user:name": "Asha"}


async def test_bytes_come_back(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent)
    part = types.Part.from_bytes(data=b"test_image_data\x00\xff", mime_type="image/png")
    found = types.GroundingMetadata(search_entry_point=types.SearchEntryPoint(sdk_blob=b"blob\x00"))
    await service.append_event(
        session, said(content=types.Content(role="user", parts=[part]), grounding_metadata=found)
    )
    assert (await got(service, session)).events == session.events


async def test_every_field_of_an_event_comes_back(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent)
    event = said(
        turn_complete=True,
        partial=False,
        actions=EventActions(artifact_delta={"file": 0}, transfer_to_agent="agent", escalate=True),
        long_running_tool_ids={"tool1"},
        error_code="error_code",
        error_message="error_message",
        interrupted=True,
        branch="a.b",
        output={"deep": [1, None, 2.5]},
        custom_metadata={"a": 1},
        usage_metadata=types.GenerateContentResponseUsageMetadata(prompt_token_count=3),
    )
    await service.append_event(session, event)
    read = await got(service, session)
    assert read == session
    assert read.events == [event]
    assert read.last_update_time == event.timestamp


async def test_events_are_chosen_by_count_and_time(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent)
    for number in range(1, 6):
        await service.append_event(session, Event(author="user", timestamp=number))

    async def stamps(**config: Any) -> list[float]:
        return [event.timestamp for event in (await got(service, session, **config)).events]

    assert await stamps() == [1, 2, 3, 4, 5]
    assert await stamps(num_recent_events=3) == [3, 4, 5]
    assert await stamps(num_recent_events=0) == []
    assert await stamps(num_recent_events=50) == [1, 2, 3, 4, 5]
    assert await stamps(after_timestamp=4.0) == [4, 5]
    assert await stamps(after_timestamp=50.0) == []
    assert await stamps(after_timestamp=4.0, num_recent_events=3) == [4, 5]
    assert await stamps(after_timestamp=2.0, num_recent_events=2) == [4, 5]


async def test_partial_events_are_not_stored(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent)
    event = said(partial=True, actions=EventActions(state_delta={"key": 1}))
    assert await service.append_event(session, event) is event
    assert (session.events, session.state) == ([], {})
    assert (await got(service, session)).events == []


async def test_an_event_for_no_session_is_refused_and_changes_nothing(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent)
    await service.delete_session(app_name=agent, user_id=USER, session_id=session.id)
    with pytest.raises(SessionNotFoundError):
        await service.append_event(session, changing(app__key=1, user__key=2, key=3, temp__key=4))
    assert (session.events, session.state) == ([], {})
    assert (await made(service, agent)).state == {}


async def test_the_same_event_again_is_stored_once(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent)
    one, two = said("one", id="1"), said("two", id="2")
    for event in (one, two, one.model_copy(deep=True), two):
        await service.append_event(session, event)
    assert (await got(service, session)).events == [one, two]


async def test_other_events_of_one_id_are_all_kept(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent)
    for text in ("one", "two"):
        await service.append_event(session, said(text, id="same"))
    assert len((await got(service, session)).events) == 2


async def test_what_was_read_is_a_copy(service: BaseSessionService, agent: str) -> None:
    session = await made(service, agent, key={"deep": [1]})
    read = await got(service, session)
    read.state["key"]["deep"].append(2)
    read.events.append(said())
    again = await got(service, session)
    assert (again.state, again.events) == ({"key": {"deep": [1]}}, [])


NAMES = ["a:b", "a", "{x}", "x}{y", "a/b", "*?[", "ü😀", " inner space ", "%25", "=", "."]


async def test_any_name_is_a_name_of_its_own(adk: RedisSessionService, agent: str) -> None:
    for user in NAMES:
        for name in NAMES:
            session = await adk.create_session(
                app_name=agent, user_id=user, session_id=name, state={"is": [user, name]}
            )
            await adk.append_event(session, said(f"{user} {name}"))
    for user in NAMES:
        listed = await adk.list_sessions(app_name=agent, user_id=user)
        assert sorted(session.id for session in listed.sessions) == sorted(name.strip() for name in NAMES)
        for name in NAMES:
            read = await adk.get_session(app_name=agent, user_id=user, session_id=name)
            assert read is not None
            assert read.state == {"is": [user, name]}
            assert len(read.events) == 1


async def test_an_app_whose_name_holds_a_slash_shares_nothing(adk_of_all: RedisSessionService, agent: str) -> None:
    adk = adk_of_all
    await adk.create_session(app_name=f"{agent}/x", user_id="y", session_id="s", state={"user:a": 1, "app:b": 1})
    assert await adk.get_session(app_name=agent, user_id="x/y", session_id="s") is None
    assert await adk.get_user_state(app_name=agent, user_id="x/y") == {}
    assert (await adk.list_sessions(app_name=agent)).sessions == []


# What only a shared store can do


async def test_a_session_that_another_changed_is_stale(adk: RedisSessionService, agent: str) -> None:
    ours = await made(adk, agent)
    theirs = await got(adk, ours)
    await adk.append_event(theirs, changing(user__name="theirs"))

    with pytest.raises(StaleSessionError):
        await adk.append_event(ours, changing(app__color="ours", user__name="ours", key="ours", temp__key=1))

    assert (ours.events, ours.state) == ([], {})
    read = await got(adk, ours)
    assert len(read.events) == 1
    assert read.state == {"user:name": "theirs"}
    await adk.append_event(read, said("now it is current"))
    assert len((await got(adk, ours)).events) == 2
