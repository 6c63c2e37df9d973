"""`/v1/chat` and `/v1/agents/{agent_name}/chat`, over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from talk_kit.errors import SessionBusy
from talk_kit.events import ReplyDelta, ToolCompleted, ToolStarted, TurnCompleted, TurnFailed
from tests.fakes.events import events_of, kinds
from tests.unit.talk_gateway.conftest import Gateway, StartGateway

pytestmark = pytest.mark.loopback
EVENTS = {"Accept": "text/event-stream"}


async def test_a_text_turn_as_json(gateway: Gateway) -> None:
    answer = await gateway.client.post("/v1/chat", json={"text": "Hi", "mode": "llm", "session_id": "s 1"})
    body = answer.json()
    assert answer.status_code == 200
    assert (body["user"], body["reply"], body["session_id"]) == ("Hi", "Hello. I am well.", "s 1")
    assert answer.headers["x-session-id"] == "s 1"
    assert answer.headers["cache-control"] == "no-store"
    assert gateway.agent.asked == [{"session_id": "s 1", "message": "Hi", "agent": "assistant"}]


@pytest.mark.parametrize("how", [{"headers": EVENTS}, {"stream": True}])
async def test_a_text_turn_as_events(gateway: Gateway, how: dict[str, Any]) -> None:
    gateway.agent.script = ["One ", ToolStarted("c1", "clock"), ToolCompleted("c1", "clock", "ok"), "two"]
    body = {"text": "Hi", "mode": "llm", **({"stream": True} if "stream" in how else {})}
    async with gateway.client.stream("POST", "/v1/chat", json=body, headers=how.get("headers")) as answer:
        events = await events_of(answer)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert kinds(events) == [
        "turn.started", "stage", "reply.delta", "tool.started", "tool.completed", "reply.delta", "turn.completed",
    ]  # fmt: skip
    assert "".join(e.text for e in events if isinstance(e, ReplyDelta)) == "One two"


async def test_both_spellings_of_an_agent_are_one(gateway: Gateway) -> None:
    for name in ("viva_examiner", "viva-examiner"):
        answer = await gateway.client.post("/v1/chat", json={"text": "Hi", "mode": "agent", "agent_name": name})
        assert answer.status_code == 200
        answer = await gateway.client.post(f"/v1/agents/{name}/chat", json={"message": "Hi"})
        assert answer.json()["state"] == {}
    assert len(gateway.other_agents["viva-examiner"].asked) == 4


@pytest.mark.parametrize(
    "name", ["nobody", "../viva-examiner", "Viva-Examiner", "viva%2dexaminer", "ｖiva-examiner", "x" * 5000]
)
async def test_an_unknown_agent_is_refused_with_the_known_ones(gateway: Gateway, name: str) -> None:
    answer = await gateway.client.post("/v1/chat", json={"text": "Hi", "mode": "agent", "agent_name": name})
    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_agent")
    assert answer.json()["known"] == ["assistant", "viva-examiner"]
    assert len(answer.content) < 1000


async def test_which_agent_answers_without_a_name(start_gateway: StartGateway) -> None:
    async with start_gateway(("assistant", "travel-planner")) as gateway:
        await gateway.client.post("/v1/chat", json={"text": "Hi", "mode": "llm", "agent_name": "nobody"})
        await gateway.client.post("/v1/chat", json={"text": "Hi", "mode": "agent"})
        assert [len(agent.asked) for agent in gateway.other_agents.values()] == [1, 1]
    async with start_gateway(("only-one",)) as gateway:
        for mode in ("llm", "agent"):
            assert (await gateway.client.post("/v1/chat", json={"text": "Hi", "mode": mode})).status_code == 200
    async with start_gateway(("one", "two"), TALK_DEFAULT_AGENT="two") as gateway:
        await gateway.client.post("/v1/chat", json={"text": "Hi"})
        assert len(gateway.other_agents["two"].asked) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "x" * 4000, "mode": "llm"}, 200),
        ({"text": "😀" * 4000, "mode": "llm"}, 200),
        ({"text": "x" * 4001, "mode": "llm"}, 400),
        ({"text": "x" * 200_000, "mode": "llm"}, 413),
        ({"text": "", "mode": "llm"}, 400),
        ({"text": " \n", "mode": "llm"}, 400),
        ({"text": None, "mode": "llm"}, 400),
        ({"text": 4, "mode": "llm"}, 400),
        ({"mode": "llm"}, 400),
        ({"text": "Hi", "mode": "robot"}, 400),
        ({"text": "Hi", "mode": ["llm"]}, 400),
        ({"text": "Hi", "mode": "llm", "stream": "yes"}, 400),
        ({"text": "Hi", "mode": "llm", "session_id": "s" * 128}, 200),
        ({"text": "Hi", "mode": "llm", "session_id": "s" * 129}, 400),
        ({"text": "Hi", "mode": "llm", "session_id": "a\nb"}, 400),
        ({"text": "Hi", "mode": "llm", "session_id": 7}, 400),
        ([1], 400),
        ("text", 400),
    ],
)
async def test_what_a_body_may_hold(gateway: Gateway, body: Any, status: int) -> None:
    answer = await gateway.client.post("/v1/chat", json=body)
    assert answer.status_code == status
    if status != 200:
        problem = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["status"] == status
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert not gateway.agent.asked


@pytest.mark.parametrize("raw", [b"", b"{", b'{"text": "\xff\xfe"}', b'{"text": "\\ud800"}', b"[" * 10_000, b"\x00"])
async def test_bytes_that_are_no_json_are_refused(gateway: Gateway, raw: bytes) -> None:
    for path in ("/v1/chat", "/v1/agents/assistant/chat"):
        answer = await gateway.client.post(path, content=raw)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_header_and_member_must_name_one_session(gateway: Gateway) -> None:
    body = {"text": "Hi", "session_id": "one"}
    assert (await gateway.client.post("/v1/chat", json=body, headers={"X-Session-ID": "two"})).status_code == 400
    assert (await gateway.client.post("/v1/chat", json=body, headers={"X-Session-ID": "one"})).status_code == 200


@pytest.mark.parametrize("how", [{}, {"Accept": "text/event-stream"}])
async def test_a_session_of_any_script_is_named_by_body_or_header(gateway: Gateway, how: dict[str, str]) -> None:
    session = "ಸಂಭಾಷಣೆ-é"
    by_body = await gateway.client.post("/v1/chat", json={"text": "Hi", "session_id": session}, headers=how)
    named = {**how, "X-Session-ID": session.encode()}
    by_header = await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers=named)  # type: ignore[arg-type]
    for answer in (by_body, by_header):
        assert answer.status_code == 200
        assert dict(answer.headers.raw)[b"x-session-id"].decode() == session
    assert [asked["session_id"] for asked in gateway.agent.asked] == [session, session]


@pytest.mark.parametrize("header", [b"\xff\xfe", "a\u200bb".encode(), b"x" * 129])
async def test_a_session_header_that_is_no_id_is_refused(gateway: Gateway, header: bytes) -> None:
    answer = await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers=[(b"X-Session-ID", header)])
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("character", ["\x00", "\x07", "\x1b", "\x7f"])
async def test_control_characters_are_refused_in_texts_and_sessions(gateway: Gateway, character: str) -> None:
    for body in ({"text": f"Hi{character}"}, {"text": "Hi", "session_id": f"a{character}b"}):
        answer = await gateway.client.post("/v1/chat", json=body)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert not gateway.agent.asked


async def test_white_space_of_pasted_texts_is_kept(gateway: Gateway) -> None:
    text = "One\ttwo\r\nthree\vfour\ffive"
    assert (await gateway.client.post("/v1/chat", json={"text": text})).status_code == 200
    assert gateway.agent.asked[0]["message"] == text


async def test_a_session_is_made_where_none_is_named(gateway: Gateway) -> None:
    first, second = [await gateway.client.post("/v1/chat", json={"text": "Hi"}) for _ in range(2)]
    assert first.headers["x-session-id"] == first.json()["session_id"] != second.json()["session_id"]
    async with gateway.client.stream("POST", "/v1/chat", json={"text": "Hi"}, headers=EVENTS) as answer:
        events = await events_of(answer)
    assert events[0].session_id == answer.headers["x-session-id"]  # type: ignore[union-attr]


async def test_what_the_agent_refuses_has_its_status_in_both_forms(gateway: Gateway) -> None:
    gateway.agent.refuse = SessionBusy()
    for headers in ({}, EVENTS):
        answer = await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers=headers)
        assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (409, "session_busy", "2")


async def test_a_failed_turn_is_a_closing_event_or_a_status(gateway: Gateway) -> None:
    gateway.agent.script = ["Hel", TurnFailed("deadline", "The turn took longer than 60 s.", True)]
    async with gateway.client.stream("POST", "/v1/chat", json={"text": "Hi"}, headers=EVENTS) as answer:
        events = await events_of(answer)
    assert kinds(events) == ["turn.started", "stage", "reply.delta", "turn.failed"]
    answer = await gateway.client.post("/v1/chat", json={"text": "Hi"})
    assert (answer.status_code, answer.json()["retryable"]) == (504, True)


async def test_an_agent_that_breaks_off_is_a_failure_never_a_short_success(gateway: Gateway) -> None:
    gateway.agent.break_off = True
    async with gateway.client.stream("POST", "/v1/chat", json={"text": "Hi"}, headers=EVENTS) as answer:
        assert kinds(await events_of(answer))[-1] == "turn.failed"
    assert (await gateway.client.post("/v1/chat", json={"text": "Hi"})).status_code == 502


async def test_an_agent_that_is_not_there_is_not_ready(start_gateway: StartGateway) -> None:
    async with start_gateway(("one",), TALK_AGENTS="one=http://127.0.0.1:9") as gateway:
        answer = await gateway.client.post("/v1/chat", json={"text": "Hi"})
        assert (answer.status_code, answer.json()["code"]) == (503, "agent_not_ready")
        assert answer.headers["retry-after"]


async def test_ids_go_to_the_agent_and_come_back(gateway: Gateway) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    sent = {"X-Request-ID": "my.request-1", "traceparent": trace, "Idempotency-Key": "k1", "X-Talk-Call-Path": "a"}
    answer = await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers=sent)
    got = gateway.agent.headers[0]
    assert answer.headers["x-request-id"] == got["x-request-id"] == "my.request-1"
    assert got["traceparent"].split("-")[1] == trace.split("-")[1]
    assert (got["idempotency-key"], got["x-talk-call-path"]) == ("k1", "a")


@pytest.mark.parametrize("bad", ["", "a b", "x" * 129, "é"])
async def test_a_bad_request_id_is_replaced(gateway: Gateway, bad: str) -> None:
    answer = await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers={b"X-Request-ID": bad.encode()})
    assert len(answer.headers["x-request-id"]) == 32


@pytest.mark.parametrize("headers", [{}, EVENTS])
async def test_a_client_that_goes_ends_the_agents_turn(gateway: Gateway, headers: dict[str, str]) -> None:
    for said in ([], ["some words "]):
        gateway.agent.script = [*said, asyncio.Event()]
        gateway.agent.begun.clear()
        gateway.agent.closed_early.clear()
        call = asyncio.create_task(gateway.client.post("/v1/chat", json={"text": "Hi"}, headers=headers))
        await asyncio.wait_for(gateway.agent.begun.wait(), 5)
        call.cancel()
        await asyncio.wait_for(gateway.agent.closed_early.wait(), 1)


async def test_awkward_characters_pass_whole(gateway: Gateway) -> None:
    text = "one\u2028two\u0085three\u2029four 👩‍👩‍👧‍👦\r\n"
    gateway.agent.script = [text]
    assert (await gateway.client.post("/v1/chat", json={"text": text})).json()["reply"] == text
    assert gateway.agent.asked[0]["message"] == text


async def test_the_usage_and_the_reason_of_the_end_are_told(gateway: Gateway) -> None:
    gateway.agent.script = ["cut", TurnCompleted("cut", "length", {"input_tokens": 1, "output_tokens": 2})]
    body = (await gateway.client.post("/v1/chat", json={"text": "Hi"})).json()
    assert (body["finish_reason"], body["usage"]) == ("length", {"input_tokens": 1, "output_tokens": 2})
