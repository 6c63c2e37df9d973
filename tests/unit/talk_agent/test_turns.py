"""What becomes of a turn: its end, its stream to the model, and what is stored of it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from talk_kit.events import ReplyDelta, ToolCompleted, ToolStarted, TurnCompleted, TurnEvent, TurnFailed
from talk_kit.sse import read_turn
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.waiting import eventually
from tests.unit.talk_agent.conftest import Agent, ServeAgent

pytestmark = pytest.mark.loopback


def tasks_of_turns() -> list[str]:
    """Tasks of the agent's turns, its answers and ADK's runs; the servers' and the checks' own are left out."""
    own = ("check-", "drain", "fake-", "Task-1")
    names = [f"{task.get_name()} {task.get_coro()}" for task in asyncio.all_tasks()]
    marks = ("turn-", "event-stream", "response-", "request-", "drive_root_node", "generate", "execute")
    return [name for name in names if not name.startswith(own) and any(mark in name for mark in marks)]


def said_to_the_model(llm: FakeLlm) -> list[tuple[str, Any]]:
    """Roles and texts of the latest request, without the instruction."""
    messages = llm.requests[-1].json["messages"]
    return [(message["role"], message.get("content")) for message in messages if message["role"] != "system"]


async def nothing_left(agent: Agent, llm: FakeLlm) -> None:
    """The model's stream is closed within a second, and no task, slot, place or stage is left."""
    async with asyncio.timeout(1.0):
        await llm.until_idle()
    await eventually(lambda: len(agent.service.turns) == 0 and not tasks_of_turns())
    engine = agent.service.turns._engine
    assert engine.slots.taken == 0
    assert len(engine.lock) == 0  # type: ignore[arg-type]
    assert engine.staging._stages == {}


# Deadline


async def test_a_json_turn_past_its_deadline_is_504_and_closes_the_stream(
    llm: FakeLlm, serve_agent: ServeAgent
) -> None:
    llm.script(fake.streamed(fake.ROLE, fake.stall()))
    async with serve_agent(llm.url, limits={"runTimeout": "1s"}) as agent:
        response = await agent.say("Hello")
        assert response.status_code == 504
        assert response.json()["code"] == "deadline"
        await nothing_left(agent, llm)
        assert llm.closed_early.is_set()

        assert (await agent.say("Again")).status_code == 200
        assert said_to_the_model(llm) == [("user", "Again")]


async def test_what_the_caller_gives_is_a_turns_bound(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.streamed(fake.ROLE, fake.text("Once upon "), fake.stall()))
    async with serve_agent(llm.url) as agent:
        body = {"message": "Tell me a story", "session_id": "s1"}
        response = await agent.post(body, {"X-Request-Timeout": "1.5"})
        assert (response.status_code, response.json()["code"]) == (504, "deadline")
        assert "1.5 s" in response.json()["detail"]
        await nothing_left(agent, llm)
        assert llm.closed_early.is_set()

        await agent.say("Go on")
        assert ("assistant", "Once upon ") in said_to_the_model(llm)
        assert (await agent.post(body, {"X-Request-Timeout": "soon"})).status_code == 400


async def test_the_caller_bounds_the_wait_for_a_session_too(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()))
    async with serve_agent(llm.url) as agent:
        first = asyncio.create_task(agent.say("Hello"))
        await llm.arrived.wait()
        late = await agent.post({"message": "Hello", "session_id": "s1"}, {"X-Request-Timeout": "0.2"})
        gate.set()
        assert (await first).status_code == 200
        await nothing_left(agent, llm)

    assert (late.status_code, late.json()["code"]) == (504, "deadline")


async def test_a_full_agent_lets_a_few_wait_and_refuses_the_rest(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.default = fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end())
    async with serve_agent(llm.url, limits={"concurrentTurns": 2}) as agent:
        running = [asyncio.create_task(agent.say("Hello", f"s{number}")) for number in range(2)]
        await eventually(lambda: len(llm.requests) == 2)
        waiting = asyncio.create_task(agent.say("Hello", "s3"))
        await eventually(lambda: agent.service.turns._engine.slots.waiting == 1)
        refused = await agent.post({"message": "Hello", "session_id": "s4", "stream": True})
        gate.set()
        answers = await asyncio.gather(*running, waiting)
        await nothing_left(agent, llm)

    assert {answer.status_code for answer in answers} == {200}
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"]


async def test_a_streamed_turn_past_its_deadline_keeps_what_was_said(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.streamed(fake.ROLE, fake.text("Once upon "), fake.stall()))
    async with serve_agent(llm.url, limits={"runTimeout": "1s"}) as agent:
        events = await agent.stream("Tell me a story")
        assert events[-2] == ReplyDelta("Once upon ")
        assert isinstance(events[-1], TurnFailed)
        assert (events[-1].code, events[-1].retryable) == ("deadline", True)
        await nothing_left(agent, llm)

        await agent.say("Go on")
        assert said_to_the_model(llm) == [
            ("user", "Tell me a story"),
            ("assistant", "Once upon "),
            ("user", "Go on"),
        ]


# One turn at a time


async def test_two_turns_of_a_session_never_interleave(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate, inside = asyncio.Event(), asyncio.Event()
    llm.script(
        fake.streamed(fake.ROLE, fake.reached(inside), fake.wait(gate), fake.text("One."), *fake.end()),
        fake.reply("Two."),
    )
    async with serve_agent(llm.url) as agent:
        first = asyncio.create_task(agent.say("first"))
        await inside.wait()
        second = asyncio.create_task(agent.say("second"))
        await eventually(lambda: len(agent.service.turns) == 2)
        assert len(llm.requests) == 1
        gate.set()

        assert (await first).json()["reply"] == "One."
        assert (await second).json()["reply"] == "Two."
        assert said_to_the_model(llm) == [("user", "first"), ("assistant", "One."), ("user", "second")]
        await nothing_left(agent, llm)


async def test_turns_of_other_sessions_do_not_wait(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()))
    async with serve_agent(llm.url) as agent:
        first = asyncio.create_task(agent.say("first", "a"))
        await llm.arrived.wait()
        assert (await agent.say("second", "b")).status_code == 200
        gate.set()
        assert (await first).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_a_turn_that_waits_too_long_for_its_session_is_409(
    llm: FakeLlm, serve_agent: ServeAgent, stream: bool
) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()))
    async with serve_agent(llm.url, settings={"session_wait": 0.05}) as agent:
        first = asyncio.create_task(agent.say("first"))
        await llm.arrived.wait()
        busy = await agent.post({"message": "second", "session_id": "s1", "stream": stream})
        gate.set()
        await first

    assert busy.status_code == 409
    assert busy.json()["code"] == "session_busy"
    assert busy.json()["retryable"] is True
    assert int(busy.headers["retry-after"]) >= 1


async def test_more_turns_at_once_than_allowed_are_429(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()))
    async with serve_agent(llm.url, limits={"concurrentTurns": 1}) as agent:
        first = asyncio.create_task(agent.say("first", "a"))
        await llm.arrived.wait()
        limited = await agent.say("second", "b")
        gate.set()
        assert (await first).status_code == 200
        assert (await agent.say("third", "b")).status_code == 200

    assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
    assert limited.headers["retry-after"]


# The client goes


async def leave_in_mid_reply(agent: Agent, message: str, stream: bool, inside: asyncio.Event) -> None:
    """Asks, and closes the connection once the model has begun to answer (a stream: once text has arrived)."""
    if stream:
        async with agent.streaming(message) as response:
            async for event in read_turn(response.aiter_bytes()):
                if isinstance(event, ReplyDelta):
                    return
    else:
        asking = asyncio.create_task(agent.say(message))
        await inside.wait()
        await eventually(lambda: any(run._progress.reply for run in agent.service.turns._running.values()))
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_in_mid_reply(llm: FakeLlm, serve_agent: ServeAgent, stream: bool) -> None:
    inside = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.text("One sentence. "), fake.reached(inside), fake.stall()))
    async with serve_agent(llm.url) as agent:
        await leave_in_mid_reply(agent, "Tell me a story", stream, inside)
        await nothing_left(agent, llm)
        assert llm.closed_early.is_set()

        await agent.say("What did you say last?")
        assert said_to_the_model(llm) == [
            ("user", "Tell me a story"),
            ("assistant", "One sentence. "),
            ("user", "What did you say last?"),
        ]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("answer", [fake.silence(), fake.streamed(fake.ROLE, fake.stall())], ids=["silence", "role"])
async def test_a_client_that_goes_before_the_first_token(
    llm: FakeLlm, serve_agent: ServeAgent, stream: bool, answer: fake.Answer
) -> None:
    llm.script(answer)
    async with serve_agent(llm.url) as agent:
        asking = asyncio.create_task(agent.post({"message": "Hi", "session_id": "s1", "stream": stream}))
        await llm.arrived.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await nothing_left(agent, llm)
        assert llm.closed_early.is_set()

        assert (await agent.say("Again")).status_code == 200
        assert said_to_the_model(llm) == [("user", "Again")]


async def test_a_client_that_goes_while_it_waits_for_its_session(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    gate = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.wait(gate), fake.text("One."), *fake.end()))
    async with serve_agent(llm.url) as agent:
        first = asyncio.create_task(agent.say("first"))
        await llm.arrived.wait()
        second = asyncio.create_task(agent.say("second"))
        await eventually(lambda: len(agent.service.turns) == 2)
        second.cancel()
        await eventually(lambda: len(agent.service.turns) == 1)
        gate.set()
        assert (await first).status_code == 200
        await nothing_left(agent, llm)
        assert len(llm.requests) == 1


async def test_many_clients_that_go_leave_nothing(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.default = fake.streamed(fake.ROLE, fake.text("So "), fake.stall())
    async with serve_agent(llm.url) as agent:
        before = len(asyncio.all_tasks())

        async def come_and_go(number: int) -> None:
            asking = asyncio.create_task(
                agent.post({"message": "Hi", "session_id": f"s{number}", "stream": bool(number % 2)})
            )
            await eventually(lambda: len(llm.requests) > number)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

        for number in range(10):
            await come_and_go(number)
        await nothing_left(agent, llm)
        await agent.client.aclose()
        agent.client = httpx.AsyncClient()
        await eventually(lambda: len(asyncio.all_tasks()) <= before)


# What providers do


async def tool_turn(agent: Agent) -> list[TurnEvent]:
    return await agent.stream("How warm is it?")


async def test_a_tool_that_the_model_invents_is_an_error_for_the_model(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(
        fake.streamed(fake.ROLE, fake.text("Let me see."), fake.call("weather", "{}"), *fake.end("tool_calls")),
        fake.reply("I cannot look."),
    )
    async with serve_agent(llm.url) as agent:
        events = await tool_turn(agent)
        assert ToolStarted("call_1", "weather") in events
        assert ToolCompleted("call_1", "weather", "error") in events
        assert isinstance(events[-1], TurnCompleted)
        assert events[-1].reply == "Let me see.\n\nI cannot look."
        assert events[-1].usage == {"input_tokens": 24, "output_tokens": 6}
        roles = [message["role"] for message in llm.requests[-1].json["messages"]]
        assert roles == ["system", "user", "assistant", "tool"]

        await agent.say("Thanks")
        roles = [message["role"] for message in llm.requests[-1].json["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]


@pytest.mark.parametrize("arguments", ['{"city": "Par', "not json", '["a list"]', '{"a": 1}{"b": 2}'])
async def test_arguments_that_do_not_parse_are_never_run(llm: FakeLlm, serve_agent: ServeAgent, arguments: str) -> None:
    llm.script(fake.tool_call("ask_local_guide", arguments), fake.reply("I cannot ask."))
    async with serve_agent(llm.url, tools=[{"agent": {"name": "local-guide"}}]) as agent:
        events = await agent.stream("How warm is it?")
        await agent.say("Thanks")

    assert isinstance(events[-1], TurnCompleted | TurnFailed)
    assert not any(isinstance(event, ToolCompleted) and event.outcome == "ok" for event in events)
    assert said_to_the_model(llm)[-1] == ("user", "Thanks")


async def test_a_model_that_never_stops_calling_tools_is_stopped(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.default = fake.tool_call("weather", "{}")
    async with serve_agent(llm.url, limits={"llmCalls": 3}) as agent:
        response = await agent.say("How warm is it?")
        await nothing_left(agent, llm)

    assert response.status_code == 502
    assert "3 times" in response.json()["detail"]
    assert len(llm.requests) == 3


async def test_a_turn_cut_after_a_tool_call_keeps_no_half_call(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(
        fake.streamed(fake.ROLE, fake.text("Let me see."), fake.call("weather", "{}"), *fake.end("tool_calls")),
        fake.status(500),
        fake.status(500),
    )
    async with serve_agent(llm.url) as agent:
        events = await tool_turn(agent)
        assert isinstance(events[-1], TurnFailed)
        await agent.say("Thanks")

    assert said_to_the_model(llm) == [
        ("user", "How warm is it?"),
        ("assistant", "Let me see."),
        ("user", "Thanks"),
    ]


FAULTS: dict[str, tuple[fake.Answer, int, str]] = {
    "busy": (fake.status(429, {"Retry-After": "7"}), 503, "provider_busy"),
    "broken": (fake.status(500), 502, "provider_failed"),
    "refuses the key": (fake.status(401), 503, "provider_unreachable"),
    "no such model": (fake.status(404), 502, "provider_failed"),
    "rejects": (fake.status(400), 502, "provider_failed"),
    "reset": (fake.streamed(fake.ROLE, fake.reset()), 502, "provider_failed"),
    "cut": (fake.streamed(fake.ROLE, finished=False), 502, "provider_failed"),
    "ends without a finish reason": (fake.streamed(fake.ROLE), 502, "provider_failed"),
    "error in the stream": (
        fake.streamed(fake.ROLE, fake.event({"error": {"message": "boom sk-secret"}})),
        502,
        "provider_failed",
    ),
    "empty": (fake.streamed(fake.ROLE, *fake.end()), 502, "empty_reply"),
    "blank": (fake.streamed(fake.ROLE, fake.text(" \n"), *fake.end()), 502, "empty_reply"),
    "filtered": (fake.streamed(fake.ROLE, *fake.end("content_filter")), 502, "content_filter"),
    "not an event stream": (fake.body(b"<html>sk-secret</html>"), 502, "provider_failed"),
}


# What may pass by itself is asked once more within the turn.
REPEATED = ("broken", "reset", "cut", "ends without a finish reason", "error in the stream", "not an event stream")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_of_the_provider_before_the_first_word(llm: FakeLlm, serve_agent: ServeAgent, fault: str) -> None:
    answer, status, code = FAULTS[fault]
    llm.script(*[answer] * (4 if fault in REPEATED else 2))
    async with serve_agent(llm.url) as agent:
        response = await agent.say("Hello")
        events = await agent.stream("Hello")
        await nothing_left(agent, llm)
        assert (await agent.say("Again")).status_code == 200

    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code)
    assert "secret" not in response.text
    failed = events[-1]
    assert isinstance(failed, TurnFailed)
    assert (failed.code, failed.retryable) == (code, problem["retryable"])
    assert "secret" not in failed.detail
    assert sum(isinstance(event, TurnFailed | TurnCompleted) for event in events) == 1
    assert said_to_the_model(llm) == [("user", "Again")]


async def test_a_busy_provider_says_when_to_come_back(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.status(429, {"Retry-After": "7"}))
    async with serve_agent(llm.url) as agent:
        assert (await agent.say("Hello")).headers["retry-after"] == "7"


@pytest.mark.parametrize(
    "break_off",
    [
        [fake.reset()],
        [],
        [fake.piece(fake.event({"error": {"message": "boom sk-secret"}}))],
    ],
    ids=["reset", "no end", "error in the stream"],
)
async def test_a_fault_after_the_first_word_keeps_what_was_said(
    llm: FakeLlm, serve_agent: ServeAgent, break_off: list[fake.Step]
) -> None:
    said = asyncio.Event()
    llm.script(fake.streamed(fake.ROLE, fake.text("One sentence. "), fake.wait(said), *break_off))
    async with serve_agent(llm.url) as agent:
        events = []
        async with agent.streaming("Hello") as response:
            async for event in read_turn(response.aiter_bytes()):
                events.append(event)
                if isinstance(event, ReplyDelta):
                    said.set()
        assert isinstance(events[-1], TurnFailed)
        assert events[-1].retryable
        assert "secret" not in events[-1].detail
        await agent.say("Go on")

    assert said_to_the_model(llm) == [("user", "Hello"), ("assistant", "One sentence. "), ("user", "Go on")]


async def test_a_filter_after_text_completes_with_its_reason(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.streamed(fake.ROLE, fake.text("So far"), *fake.end("content_filter")))
    async with serve_agent(llm.url) as agent:
        events = await agent.stream("Hello")
        await agent.say("Go on")

    assert isinstance(events[-1], TurnCompleted)
    assert (events[-1].reply, events[-1].finish_reason) == ("So far", "content_filter")
    assert said_to_the_model(llm)[1] == ("assistant", "So far")


async def test_a_reply_at_its_token_limit_says_so(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.streamed(fake.ROLE, fake.text("So far"), *fake.end("length")))
    async with serve_agent(llm.url) as agent:
        ending = (await agent.stream("Hello"))[-1]

    assert isinstance(ending, TurnCompleted)
    assert ending.finish_reason == "length"


async def test_odd_but_legal_streams_are_answers(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    chunks = [fake.ROLE, b": keep-alive\n\n", fake.text("Grüße "), fake.text("👋"), fake.chunk({}, "stop")]
    raw = b"".join([*chunks, fake.usage(), fake.DONE]).replace(b"\n", b"\r\n")
    llm.script(fake.body(raw, range(1, len(raw), 3)))
    async with serve_agent(llm.url) as agent:
        response = await agent.say("Hello")

    assert response.json().get("reply") == "Grüße 👋", response.text


async def test_a_silent_provider_is_given_up(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.silence())
    async with serve_agent(llm.url, model={"timeout": "1s"}) as agent:
        response = await agent.say("Hello")
        await nothing_left(agent, llm)

    assert (response.status_code, response.json()["code"]) == (504, "deadline")


async def test_a_provider_that_is_gone(serve_agent: ServeAgent) -> None:
    async with serve_agent("http://127.0.0.1:9/v1") as agent:
        response = await agent.say("Hello")

    assert (response.status_code, response.json()["code"]) == (503, "provider_unreachable")


async def test_another_model_answers_when_the_first_fails(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(fake.status(500))
    model = {"name": "openai/one", "fallbacks": [{"name": "openai/two"}]}
    async with serve_agent(llm.url, model=model) as agent:
        assert (await agent.say("Hello")).status_code == 200

    assert [request.json["model"] for request in llm.requests] == ["one", "two"]


# What the model is told


@pytest.mark.parametrize(
    "instruction",
    [
        "Say {city}, {{name}}, {artifact.report}, {app:x} and {x?}.",
        'Answer as JSON: {"a": [1, 2]}\n\n  with white space  \n',
        "नमस्ते {नाम}",
    ],
)
async def test_the_instruction_is_literal_and_nothing_is_added(
    llm: FakeLlm, serve_agent: ServeAgent, instruction: str
) -> None:
    async with serve_agent(llm.url, instruction=instruction, description="An agent {of} sorts.") as agent:
        assert (await agent.say("Hello {you}")).status_code == 200
        await agent.say("And {again}")

    for request in llm.requests:
        messages = request.json["messages"]
        assert messages[0] == {"role": "system", "content": instruction}
        assert not any("internal name" in str(message) for message in messages)
    assert said_to_the_model(llm)[0] == ("user", "Hello {you}")


async def test_the_instruction_of_a_config_map_is_read_anew(
    llm: FakeLlm, serve_agent: ServeAgent, tmp_path: Any
) -> None:
    text = tmp_path / "configmaps" / "texts" / "tutor"
    text.parent.mkdir(parents=True)
    text.write_text("Be {brief}.")
    spec = {"instruction": None, "instructionFrom": {"configMapKeyRef": {"name": "texts", "key": "tutor"}}}
    async with serve_agent(llm.url, **spec) as agent:
        await agent.say("one")
        text.write_text("Be long.")
        await agent.say("two")
        text.unlink()
        gone = await agent.say("three")

    assert [request.json["messages"][0]["content"] for request in llm.requests] == ["Be {brief}.", "Be long."]
    assert gone.status_code == 503
    assert "texts" in gone.json()["detail"]


async def test_only_recent_turns_are_shown_to_the_model(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url, session={"recentTurns": 2}) as agent:
        for number in range(5):
            await agent.say(str(number))

    assert [text for role, text in said_to_the_model(llm) if role == "user"] == ["2", "3", "4"]


async def test_temperature_and_token_limit_reach_the_model(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url, model={"temperature": 0.3, "maxTokens": 77}) as agent:
        await agent.say("Hello")

    sent = llm.requests[0].json
    assert (sent["temperature"], sent["max_tokens"]) == (0.3, 77)
    assert sent["model"] == "m"
    assert "tools" not in sent
