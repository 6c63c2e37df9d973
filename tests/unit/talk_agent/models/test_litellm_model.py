from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from talk_agent.models.failures import ModelUnknown, RequestRejected
from talk_agent.models.litellm_model import LiteLlmModel
from talk_agent.models.merge import Waits
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
from tests.fakes import llm as fake
from tests.fakes.llm import DONE, ROLE, FakeLlm, chunk, end, event, reached, silence, stall, streamed, text
from tests.unit.talk_agent.models.conversation import Conversation, answers, texts

# litellm's import takes seconds, and its own code warns.
pytestmark = [pytest.mark.loopback, pytest.mark.filterwarnings("default"), pytest.mark.timeout(120)]

PROVIDERS = ["hosted_vllm/m", "deepseek/m", "mistral/m"]


@pytest.fixture
async def llm() -> AsyncIterator[FakeLlm]:
    async with FakeLlm() as server:
        yield server


@pytest.fixture(params=PROVIDERS)
def model(request: pytest.FixtureRequest, llm: FakeLlm) -> LiteLlmModel:
    return built(request.param, llm)


def built(name: str, llm: FakeLlm, waits: Waits | None = None) -> LiteLlmModel:
    return LiteLlmModel.of(ModelOptions(name, llm.url, lambda: "sk-key", max_tokens=50, waits=waits or Waits()))


async def test_a_reply_is_streamed_and_stored_once(model: LiteLlmModel, llm: FakeLlm) -> None:
    conversation = Conversation(model)
    turn = await conversation.say()
    assert turn.text == fake.FIXED_REPLY
    assert await conversation.stored() == [fake.FIXED_REPLY]
    assert llm.requests[0].headers["authorization"] == "Bearer sk-key"
    assert llm.requests[0].json["max_tokens"] == 50
    assert turn.last.usage_metadata is not None
    assert turn.last.usage_metadata.prompt_token_count == 12


async def test_a_tool_is_called_once_and_answered(model: LiteLlmModel, llm: FakeLlm) -> None:
    conversation = Conversation(model)
    llm.script(streamed(ROLE, text("Let me see. "), fake.call("weather", '{"city":"Paris"}'), *end("tool_calls")))
    turn = await conversation.say()
    assert conversation.calls == [("weather", {"city": "Paris"})]
    assert turn.text == "Let me see. " + fake.FIXED_REPLY
    assert [m["role"] for m in llm.requests[1].json["messages"]] == ["system", "user", "assistant", "tool"]


async def test_arguments_that_cannot_be_read_are_a_tool_error(model: LiteLlmModel, llm: FakeLlm) -> None:
    conversation = Conversation(model)
    llm.script(fake.tool_call("weather", '{"city":"Par'))
    turn = await conversation.say()
    assert conversation.calls == []
    assert turn.error is None
    assert "not a JSON object" in llm.requests[1].json["messages"][-1]["content"]


async def test_thoughts_are_taken_out(model: LiteLlmModel, llm: FakeLlm) -> None:
    llm.script(streamed(ROLE, text("<think>hm"), text("</think>Hello."), *end()))
    llm.script(streamed(ROLE, chunk({"reasoning_content": "hm"}), text("Hello."), *end()))
    for _ in range(2):
        assert texts(await answers(model)) == "Hello."


async def test_the_reason_of_the_end_is_kept(model: LiteLlmModel, llm: FakeLlm) -> None:
    llm.script(streamed(ROLE, text("The list has"), *end("length")))
    *_, last = await answers(model)
    assert finish_reason(last) == "length"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (fake.status(400), RequestRejected),
        (fake.status(401), ProviderUnreachable),
        (fake.status(403), ProviderUnreachable),
        (fake.status(404), ModelUnknown),
        (fake.status(429), ProviderBusy),
        (fake.status(500), ProviderFailed),
        (streamed(ROLE, *end()), EmptyReply),
        (streamed(ROLE, *end("content_filter")), ContentFiltered),
        (streamed(ROLE, event({"error": {"message": "upstream words sk-secret", "code": 500}}), DONE), ProviderFailed),
    ],
)
async def test_each_failure_is_its_error_asked_once_and_without_the_providers_words(
    answer: fake.Answer,
    kind: type[TalkError],
    model: LiteLlmModel,
    llm: FakeLlm,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    llm.script(answer)
    with pytest.raises(kind) as raised:
        await answers(model)
    assert len(llm.requests) == 1
    output = capfd.readouterr()
    for words in ("upstream", "sk-"):
        assert words not in raised.value.detail + caplog.text + output.out + output.err


async def test_retry_after_is_carried(llm: FakeLlm) -> None:
    llm.script(fake.status(429, {"Retry-After": "7"}))
    with pytest.raises(ProviderBusy) as raised:
        await answers(built("hosted_vllm/m", llm))
    assert raised.value.retry_after == 7.0


@pytest.mark.parametrize("answer", [silence(), streamed(ROLE, text("Hello"), stall())], ids=["silence", "stall"])
async def test_silence_is_too_late_and_closes_the_stream(answer: fake.Answer, llm: FakeLlm) -> None:
    llm.script(answer)
    with pytest.raises(DeadlineExceeded):
        await answers(built("hosted_vllm/m", llm, Waits(0.2, 0.2, 0.2)))
    await asyncio.wait_for(llm.closed_early.wait(), 5)


async def test_a_provider_that_is_not_there_is_unreachable(llm: FakeLlm) -> None:
    model = built("hosted_vllm/m", llm)
    await llm.stop()
    with pytest.raises(ProviderUnreachable):
        await answers(model)
    with pytest.raises(ProviderUnreachable):
        await model.ask()


async def test_the_request_id_and_the_trace_go_along(model: LiteLlmModel, llm: FakeLlm) -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        await answers(model)

    scope = {"type": "http", "headers": [(b"x-request-id", b"turn-7")]}
    await context.RequestContextMiddleware(app)(scope, None, None)  # type: ignore[arg-type]
    assert llm.requests[0].headers["x-request-id"] == "turn-7"
    assert llm.requests[0].headers["traceparent"].startswith("00-")


@pytest.mark.parametrize("silent", [True, False], ids=["before the head", "in mid-reply"])
async def test_a_cancelled_turn_closes_the_stream(silent: bool, model: LiteLlmModel, llm: FakeLlm) -> None:
    here = asyncio.Event()
    said = [] if silent else [fake.piece(text("One. "))]
    llm.script(fake.Answer([*said, reached(here), stall()], silent=silent))
    turn = asyncio.create_task(Conversation(model).say())
    await asyncio.wait_for(here.wait(), 20)
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)
    async with asyncio.timeout(5):
        await llm.closed_early.wait()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "model-stream"]


async def test_the_probe_is_a_completion_of_one_token(model: LiteLlmModel, llm: FakeLlm) -> None:
    await model.ask()
    assert llm.requests[0].json["max_tokens"] == 1
    llm.script(fake.status(401))
    with pytest.raises(ProviderUnreachable):
        await model.ask()


def test_building_other_models_does_not_import_litellm() -> None:
    code = "import sys, talk_agent.models.build, talk_agent.models.litellm_model; sys.exit('litellm' in sys.modules)"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=50)


def test_litellm_downloads_nothing_and_reads_no_environment_file(model: LiteLlmModel) -> None:
    assert os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] == "True"
    assert os.environ["LITELLM_MODE"] == "PRODUCTION"


@pytest.fixture(autouse=True)
def quiet() -> None:
    """ADK logs a stack for each failed turn."""
    logging.getLogger("google_adk").setLevel(logging.CRITICAL)
