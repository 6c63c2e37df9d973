from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator

import pytest

from talk_agent.models import openai_compatible
from talk_agent.models.failures import ModelUnknown, RequestRejected
from talk_agent.models.merge import Waits
from talk_agent.models.openai_compatible import OpenAICompatibleLlm
from talk_agent.models.options import ModelOptions
from talk_agent.models.reply import finish_reason
from talk_kit import context
from talk_kit.errors import (
    ContentFiltered,
    DeadlineExceeded,
    EmptyReply,
    ProviderBusy,
    ProviderFailed,
    ProviderUnreachable,
    TalkError,
)
from talk_kit.http_client import HttpPool
from tests.fakes import llm as fake
from tests.fakes.llm import DONE, ROLE, FakeLlm, chunk, end, reached, reset, silence, stall, streamed, text
from tests.unit.talk_agent.models.conversation import Conversation, answers, texts
from tests.unit.talk_agent.models.corpus import Case, cases

pytestmark = pytest.mark.loopback

CASES = cases()


@pytest.fixture
async def llm() -> AsyncIterator[FakeLlm]:
    async with FakeLlm() as server:
        yield server


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    async with HttpPool() as clients:
        yield clients


@pytest.fixture
def quiet() -> None:
    """ADK logs a stack for each failed turn."""
    logging.getLogger("google_adk").setLevel(logging.CRITICAL)


@pytest.fixture
def model(llm: FakeLlm, pool: HttpPool) -> OpenAICompatibleLlm:
    return OpenAICompatibleLlm.of(ModelOptions("openai/m", llm.url, lambda: "sk-key"), pool)


def impatient(llm: FakeLlm, pool: HttpPool) -> OpenAICompatibleLlm:
    return OpenAICompatibleLlm.of(ModelOptions("openai/m", llm.url, waits=Waits(0.1, 0.1, 0.1)), pool)


@pytest.mark.parametrize("case", CASES, ids=[case.id for case in CASES])
async def test_each_body_of_the_corpus_is_the_right_turn(
    case: Case, llm: FakeLlm, model: OpenAICompatibleLlm, quiet: None
) -> None:
    expect, conversation = case.expect, Conversation(model)
    llm.script(fake.body(case.body, case.cuts, status=case.status))
    llm.default = fake.reply("Done.")
    turn = await conversation.say()
    calls = [(call["name"], call["arguments"]) for call in expect.get("tool_calls", [])]
    assert conversation.calls == calls
    if expect["outcome"] == "completed":
        assert turn.error is None
        assert turn.text == expect["text"] + ("Done." if calls else "")
        assert "".join(await conversation.stored()) == turn.text
        assert calls or finish_reason(turn.last) == expect["finish_reason"]
    elif expect["outcome"] == "failed":
        assert turn.error is not None
        assert (turn.text, turn.error.retryable) == (expect["text"], expect["retryable"])
        assert turn.error.code == expect.get("code", turn.error.code)
        assert expect.get("not_in_client_output", "\0") not in turn.error.detail
    again = await conversation.say("And then?")
    assert (again.text, again.error) == ("Done.", None)


async def test_a_call_that_cannot_be_read_is_a_tool_error_for_the_model(
    llm: FakeLlm, model: OpenAICompatibleLlm
) -> None:
    conversation = Conversation(model)
    llm.script(streamed(ROLE, text("Let me see. "), fake.call("weather", '{"city":"Par'), *end("tool_calls")))
    llm.script(fake.tool_call("weather", '{"city":"Paris"}'))
    turn = await conversation.say()
    assert conversation.calls == [("weather", {"city": "Paris"})]
    assert turn.text == "Let me see. " + fake.FIXED_REPLY
    call, tool = llm.requests[1].json["messages"][-2:]
    assert call["tool_calls"][0]["function"] == {"name": "weather", "arguments": "{}"}
    assert "not a JSON object" in tool["content"]


async def test_two_calls_with_the_id_of_an_earlier_turn_find_their_own_results(
    llm: FakeLlm, model: OpenAICompatibleLlm
) -> None:
    conversation = Conversation(model)
    for city in ("Paris", "Rome"):
        llm.script(fake.tool_call("weather", f'{{"city":"{city}"}}', id_="call_0"), fake.reply("Sunny."))
        await conversation.say(f"The weather in {city}?")
    messages = llm.requests[-1].json["messages"]
    ids = [call["id"] for message in messages for call in message.get("tool_calls", ())]
    assert len(set(ids)) == 2
    assert [m["tool_call_id"] for m in messages if m["role"] == "tool"] == ids


async def test_the_request_has_what_the_format_asks_for(llm: FakeLlm, pool: HttpPool) -> None:
    options = ModelOptions("openai/org/m:7b", llm.url + "/", lambda: "sk-key", temperature=0.5, max_tokens=99)
    await Conversation(OpenAICompatibleLlm.of(options, pool)).say("Hi.")
    request = llm.requests[0]
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == "Bearer sk-key"
    body = request.json
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("org/m:7b", 0.5, 99)
    assert (body["stream"], body["stream_options"]) == (True, {"include_usage": True})
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert [tool["function"]["name"] for tool in body["tools"]] == ["weather", "clock", "now"]


async def test_the_key_is_read_at_each_call(llm: FakeLlm, pool: HttpPool) -> None:
    keys = iter(["sk-old", "sk-new", None])
    model = OpenAICompatibleLlm.of(ModelOptions("openai/m", llm.url, lambda: next(keys)), pool)
    for _ in range(3):
        await answers(model)
    assert [request.headers.get("authorization") for request in llm.requests] == [
        "Bearer sk-old",
        "Bearer sk-new",
        None,
    ]


async def test_the_key_is_in_no_repr_and_no_dump(model: OpenAICompatibleLlm) -> None:
    assert "sk-key" not in f"{model!r} {model.options!r} {model.model_dump()}"


async def test_a_key_that_is_no_header_is_said_so_without_it(llm: FakeLlm, pool: HttpPool) -> None:
    model = OpenAICompatibleLlm.of(ModelOptions("openai/m", llm.url, lambda: "sk-\u2028ké"), pool)
    with pytest.raises(ProviderUnreachable) as raised:
        await answers(model)
    assert "sk-" not in raised.value.detail


async def test_the_request_id_and_the_trace_go_along(llm: FakeLlm, model: OpenAICompatibleLlm) -> None:
    seen: list[str] = []

    async def app(scope: object, receive: object, send: object) -> None:
        seen.append(context.request_id() or "")
        await answers(model)

    scope = {"type": "http", "headers": [(b"x-request-id", b"turn-7")]}
    await context.RequestContextMiddleware(app)(scope, None, None)  # type: ignore[arg-type]
    assert seen == ["turn-7"]
    assert llm.requests[0].headers["x-request-id"] == "turn-7"
    assert llm.requests[0].headers["traceparent"].startswith("00-")


@pytest.mark.parametrize(
    ("given", "url"),
    [
        (None, "https://api.openai.com/v1/chat/completions"),
        ("http://h:8000/v1", "http://h:8000/v1/chat/completions"),
        ("http://h:8000/v1/", "http://h:8000/v1/chat/completions"),
        ("http://h:8000", "http://h:8000/chat/completions"),
        ("http://h:8000/v1/chat/completions", "http://h:8000/v1/chat/completions"),
    ],
)
async def test_base_urls_in_each_spelling(given: str | None, url: str, pool: HttpPool) -> None:
    model = OpenAICompatibleLlm.of(ModelOptions("openai/m", given), pool)
    assert model._url("/chat/completions") == url


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, RequestRejected),
        (401, ProviderUnreachable),
        (403, ProviderUnreachable),
        (404, ModelUnknown),
        (429, ProviderBusy),
        (500, ProviderFailed),
        (503, ProviderFailed),
        (504, DeadlineExceeded),
    ],
)
async def test_each_status_is_its_error_without_the_providers_words(
    status: int, kind: type[TalkError], llm: FakeLlm, model: OpenAICompatibleLlm
) -> None:
    llm.script(fake.status(status, {"Retry-After": "7"} if status == 429 else None))
    with pytest.raises(kind) as raised:
        await answers(model)
    assert "upstream" not in raised.value.detail
    assert "sk-" not in raised.value.detail
    assert status != 429 or raised.value.retry_after == 7.0


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (streamed(ROLE, *end()), EmptyReply),
        (streamed(ROLE, text(" \n"), *end()), EmptyReply),
        (streamed(ROLE, chunk({"reasoning_content": "hm"}), *end("length")), EmptyReply),
        (streamed(ROLE, text("<think>hm"), *end()), EmptyReply),
        (streamed(DONE), EmptyReply),
        (streamed(ROLE, *end("content_filter")), ContentFiltered),
        (streamed(ROLE, fake.call("now", "{}"), *end("content_filter")), ContentFiltered),
        (streamed(), ProviderFailed),
        (fake.body(b"<html>Log in</html>"), ProviderFailed),
    ],
)
async def test_an_answer_without_a_word_is_its_error(
    answer: fake.Answer, kind: type[TalkError], llm: FakeLlm, model: OpenAICompatibleLlm
) -> None:
    llm.script(answer)
    with pytest.raises(kind):
        await answers(model)


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
async def test_after_a_tool_the_model_may_say_nothing(reason: str, llm: FakeLlm, model: OpenAICompatibleLlm) -> None:
    llm.script(fake.tool_call("now", "{}"), streamed(ROLE, *end(reason)))
    conversation = Conversation(model)
    turn = await conversation.say()
    assert (turn.text, turn.error, conversation.calls) == ("", None, [("now", {})])
    assert finish_reason(turn.last) == reason
    assert (await conversation.say()).text == fake.FIXED_REPLY


async def test_a_user_may_type_half_a_character(llm: FakeLlm, model: OpenAICompatibleLlm) -> None:
    await answers(model, "a\ud83d b")
    assert llm.requests[0].json["messages"][0]["content"] == "a\ufffd b"


async def test_a_filter_that_leaves_text_ends_the_answer_with_its_reason(
    llm: FakeLlm, model: OpenAICompatibleLlm
) -> None:
    llm.script(streamed(ROLE, text("Half of it"), *end("content_filter")))
    *_, last = await answers(model)
    assert finish_reason(last) == "content_filter"


@pytest.mark.parametrize("step", [reset(), stall()], ids=["reset", "stall"])
async def test_a_stream_that_breaks_fails_after_its_text(step: fake.Step, llm: FakeLlm, pool: HttpPool) -> None:
    llm.script(streamed(ROLE, text("The answer"), step))
    conversation = Conversation(impatient(llm, pool))
    logging.getLogger("google_adk").setLevel(logging.CRITICAL)
    turn = await conversation.say()
    assert turn.text == "The answer"
    assert turn.error is not None
    assert turn.error.retryable
    await llm.until_idle()


async def test_a_provider_that_says_nothing_is_too_late(llm: FakeLlm, pool: HttpPool) -> None:
    llm.script(silence())
    with pytest.raises(DeadlineExceeded):
        await answers(impatient(llm, pool))
    await asyncio.wait_for(llm.closed_early.wait(), 5)


async def test_a_provider_that_is_not_there_is_unreachable(llm: FakeLlm, model: OpenAICompatibleLlm) -> None:
    await llm.stop()
    with pytest.raises(ProviderUnreachable):
        await answers(model)
    with pytest.raises(ProviderUnreachable):
        await model.ask()


@pytest.mark.parametrize("where", ["before the head", "before the first token", "in mid-reply"])
async def test_a_cancelled_turn_closes_the_stream_and_leaves_no_task(
    where: str, llm: FakeLlm, model: OpenAICompatibleLlm
) -> None:
    before = asyncio.all_tasks()
    here = asyncio.Event()
    if where == "before the head":
        llm.script(fake.Answer([reached(here), stall()], silent=True))
    else:
        said = [text("One. "), text("Two ")] if where == "in mid-reply" else []
        llm.script(streamed(ROLE, *said, reached(here), stall()))
    turn = asyncio.create_task(Conversation(model).say())
    await asyncio.wait_for(here.wait(), 5)
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    async with asyncio.timeout(5):
        await llm.closed_early.wait()
        await llm.until_idle()
    names = {task.get_name() for task in asyncio.all_tasks() - before}
    # The pool has one task of its own for as long as it has connections; `Task-` is the server's.
    assert {name for name in names if not name.startswith("Task-")} <= {"close-idle-connections"}
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "model-stream"]


async def test_a_compressed_answer_is_read(llm: FakeLlm, model: OpenAICompatibleLlm) -> None:
    body = gzip.compress(ROLE + text("Hello.") + chunk({}, "stop") + DONE)
    headers = {"Content-Type": "text/event-stream", "Content-Encoding": "gzip"}
    llm.script(fake.body(body, [10, 30], headers=headers))
    assert texts(await answers(model)) == "Hello."


async def test_an_endless_answer_is_cut(
    llm: FakeLlm, model: OpenAICompatibleLlm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_compatible, "LARGEST_ANSWER", 1000)
    llm.script(streamed(ROLE, *[text("word ") for _ in range(100)], stall()))
    with pytest.raises(ProviderFailed, match="too large"):
        await answers(model)


async def test_without_streaming_there_is_one_answer(llm: FakeLlm, model: OpenAICompatibleLlm) -> None:
    [answer] = await answers(model, stream=False)
    assert answer.partial is False
    assert answer.content is not None
    assert answer.content.parts is not None
    assert answer.content.parts[0].text == fake.FIXED_REPLY
    assert answer.usage_metadata is not None
    assert (answer.usage_metadata.prompt_token_count, answer.usage_metadata.candidates_token_count) == (12, 3)
    assert answer.model_version == "openai/m"


async def test_connections_are_used_again(llm: FakeLlm, model: OpenAICompatibleLlm, pool: HttpPool) -> None:
    for _ in range(3):
        await answers(model)
    assert len(llm.ports) == 1


@pytest.mark.parametrize(("status", "is_there"), [(200, True), (404, True), (401, False), (403, False), (500, False)])
async def test_any_answer_but_a_failure_says_that_the_provider_is_there(
    status: int, is_there: bool, llm: FakeLlm, model: OpenAICompatibleLlm
) -> None:
    llm.models = fake.status(status)
    try:
        await model.ask()
    except TalkError:
        assert not is_there
    else:
        assert is_there
    assert llm.probes[0].path == "/v1/models"
    assert llm.probes[0].headers["authorization"] == "Bearer sk-key"


async def test_calls_say_whether_the_provider_is_there(llm: FakeLlm, model: OpenAICompatibleLlm) -> None:
    await answers(model)
    assert model.reachability.ok
    for _ in range(2):
        llm.script(fake.status(500))
        with pytest.raises(ProviderFailed):
            await answers(model)
    assert not model.reachability.ok
