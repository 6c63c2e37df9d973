"""The agent's route: what it takes, what it refuses, what it answers."""

from __future__ import annotations

from typing import Any

import pytest

from talk_kit.events import TurnCompleted
from tests.fakes.events import kinds
from tests.fakes.llm import FIXED_REPLY, FakeLlm, end, streamed
from tests.fakes.llm import text as said
from tests.unit.talk_agent.conftest import ServeAgent

pytestmark = pytest.mark.loopback


async def test_a_json_turn(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        response = await agent.post({"session_id": "s1", "message": "Hello"})

    assert response.status_code == 200
    assert response.json() == {"reply": FIXED_REPLY, "state": {}, "session_id": "s1"}
    assert response.headers["x-session-id"] == "s1"
    assert response.headers["x-request-id"]
    assert response.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("body", "headers"),
    [({"message": "Hi", "stream": True}, {}), ({"message": "Hi"}, {"Accept": "text/event-stream"})],
)
async def test_a_streamed_turn(
    llm: FakeLlm, serve_agent: ServeAgent, body: dict[str, Any], headers: dict[str, str]
) -> None:
    async with serve_agent(llm.url) as agent:
        response = await agent.post(body, headers)
        events = await agent.stream("Hello")

    assert response.headers["content-type"].startswith("text/event-stream")
    assert response.headers["cache-control"] == "no-store, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["x-session-id"]
    assert kinds(events) == ["turn.started", "stage", "reply.delta", "turn.completed"]
    ending = events[-1]
    assert isinstance(ending, TurnCompleted)
    assert ending.reply == FIXED_REPLY
    assert ending.usage == {"input_tokens": 12, "output_tokens": 3}
    assert set(ending.timings) == {"llm_ttft", "total"}


@pytest.mark.parametrize("spelling", ["viva-examiner", "viva_examiner"])
async def test_both_spellings_name_the_agent(llm: FakeLlm, serve_agent: ServeAgent, spelling: str) -> None:
    async with serve_agent(llm.url, name="viva-examiner") as agent:
        response = await agent.post({"message": "Hi"}, name=spelling)

    assert response.status_code == 200


@pytest.mark.parametrize("name", ["3d-helper", "user", "viva-examiner", "a", "x" * 40, "class", "root"])
async def test_every_name_of_kubernetes_works(llm: FakeLlm, serve_agent: ServeAgent, name: str) -> None:
    async with serve_agent(llm.url, name=name, description="Helps.") as agent:
        assert (await agent.say("one")).status_code == 200
        assert (await agent.say("two")).status_code == 200

    roles = [message["role"] for message in llm.requests[-1].json["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize("name", ["nobody", "viva_examine", "..", "%2e%2e", "Assistant", "a b"])
async def test_another_agent_is_unknown(llm: FakeLlm, serve_agent: ServeAgent, name: str) -> None:
    async with serve_agent(llm.url) as agent:
        response = await agent.post({"message": "Hi"}, name=name)

    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"
    if response.json()["code"] == "unknown_agent":
        assert response.json()["known"] == ["assistant"]
    assert not llm.requests


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"\xff\xfe{}",
        b'{"message": "\xff"}',
        b'{"message": "\\ud800"}',
        b"[" * 100_000,
        b'{"message":' + b"[" * 10_000,
        b"[]",
        b"null",
        b'"Hi"',
        {},
        {"message": None},
        {"message": 7},
        {"message": ["Hi"]},
        {"message": ""},
        {"message": " \n\t\u2028"},
        {"message": "x" * 4_001},
        {"message": "😀" * 4_001},
        {"message": "Hi", "session_id": 7},
        {"message": "Hi", "session_id": "x" * 129},
        {"message": "Hi", "session_id": "a\nb"},
        {"message": "Hi", "stream": "yes"},
    ],
    ids=lambda body: repr(body)[:40],
)
async def test_what_cannot_be_understood_is_refused(llm: FakeLlm, serve_agent: ServeAgent, body: Any) -> None:
    async with serve_agent(llm.url) as agent:
        response = await agent.post(body, {"X-Request-ID": "r-1"})

    assert response.status_code in (400, 413)
    problem = response.json()
    assert problem["code"] in ("invalid_request", "too_large")
    assert problem["request_id"] == "r-1"
    assert not llm.requests


async def test_a_streamed_request_that_is_refused_has_its_status_too(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        response = await agent.post({"message": ""}, {"Accept": "text/event-stream"})

    assert response.status_code == 400


async def test_the_longest_message_is_counted_in_characters(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        assert (await agent.post({"message": "😀" * 4_000})).status_code == 200
        escaped = b'{"message": "' + b"\\ud83d\\ude00" * 4_000 + b'"}'
        assert (await agent.post(escaped)).status_code == 200


async def test_the_spec_says_how_long_a_message_may_be(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url, limits={"messageLength": 5}) as agent:
        assert (await agent.say("12345")).status_code == 200
        assert (await agent.say("123456")).status_code == 400


async def test_a_body_over_its_bound_is_too_large(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        response = await agent.post(b'{"message": "' + b"x" * 200_000)

    assert response.status_code == 413
    assert response.json()["code"] == "too_large"


async def test_a_session_id_is_made_when_none_is_given(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        first, second = await agent.post({"message": "Hi"}), await agent.post({"message": "Hi"})

    made = first.json()["session_id"]
    assert first.headers["x-session-id"] == made
    assert second.json()["session_id"] != made


async def test_header_and_member_must_name_one_session(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        by_header = await agent.post({"message": "Hi"}, {"X-Session-ID": "a"})
        alike = await agent.post({"message": "Hi", "session_id": "a"}, {"X-Session-ID": "a"})
        unlike = await agent.post({"message": "Hi", "session_id": "b"}, {"X-Session-ID": "a"})

    assert by_header.json()["session_id"] == alike.json()["session_id"] == "a"
    assert unlike.status_code == 400


async def test_sessions_share_nothing(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        for session_id in ("a", "b", "A", "a.b"):
            await agent.say(f"I am {session_id}", session_id)

    for request in llm.requests:
        assert len(request.json["messages"]) == 2


async def test_no_header_allows_other_origins(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        response = await agent.post({"message": "Hi"}, {"Origin": "https://example.org"})
        preflight = await agent.client.options(
            f"{agent.url}/v1/agents/assistant/chat",
            headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"},
        )

    assert not [name for name in (*response.headers, *preflight.headers) if name.startswith("access-control")]
    assert preflight.status_code == 405


@pytest.mark.parametrize("path", ["a b", "A", "a,,b/c", "x" * 41, ",".join("abcdefghijklmnopq")])
async def test_a_path_of_calls_that_is_none_is_refused(llm: FakeLlm, serve_agent: ServeAgent, path: str) -> None:
    async with serve_agent(llm.url) as agent:
        response = await agent.post({"message": "Hi"}, {"X-Talk-Call-Path": path})

    assert response.status_code == 400


@pytest.mark.parametrize("text", ["one\u2028two\u2029three\u0085four\r\nfive", "नमस्ते 👋🏽", "{city} </think> \x00"])
async def test_text_is_whole_on_its_way_to_the_model_and_back(llm: FakeLlm, serve_agent: ServeAgent, text: str) -> None:
    llm.default = lambda _request: streamed(said(text + "!"), *end())
    async with serve_agent(llm.url) as agent:
        answer = (await agent.say(text)).json()["reply"]
        events = await agent.stream(text, "s2")

    assert answer == text + "!"
    assert isinstance(events[-1], TurnCompleted)
    assert events[-1].reply == text + "!"
    assert llm.requests[0].json["messages"][-1]["content"] == text
