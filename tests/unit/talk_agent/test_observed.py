"""What can be seen of an agent from outside: ids, logs, metrics."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.applications import Starlette

from talk_kit import logs
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.unit.talk_agent.conftest import ServeAgent

pytestmark = pytest.mark.loopback

TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


def lines(captured: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in captured.splitlines() if line.startswith("{")]


@pytest.fixture
def json_logs() -> None:
    logs.configure("talk-agent", "debug")


@pytest.mark.parametrize("model", ["openai/m", "hosted_vllm/m"])
async def test_one_request_id_is_in_every_call_and_every_line(
    llm: FakeLlm, serve_agent: ServeAgent, json_logs: None, capsys: pytest.CaptureFixture[str], model: str
) -> None:
    async with serve_agent(llm.url, settings={"model": model}) as agent:
        capsys.readouterr()
        response = await agent.post(
            {"message": "my secret question", "session_id": "s1"}, {"X-Request-ID": "r-42", "traceparent": TRACE}
        )
        shown = capsys.readouterr().out

    assert response.headers["x-request-id"] == "r-42"
    (request,) = [each for each in llm.requests if each.json.get("stream")]  # the others are probes
    assert request.headers["x-request-id"] == "r-42"
    assert request.headers["traceparent"].split("-")[1] == "a" * 32
    turn = [line for line in lines(shown) if line["message"] != "check_changed"]
    assert [line["message"] for line in turn] == ["turn_completed"]
    assert all(line["request_id"] == "r-42" and line["agent_name"] == "assistant" for line in turn)
    assert turn[0]["session_id"] == logs.session_hash("s1")
    assert turn[0]["outcome"] == "completed"
    assert set(turn[0]["seconds"]) == {"total", "llm_ttft"}
    assert "secret question" not in shown
    assert fake.FIXED_REPLY not in shown


async def test_a_failed_turn_is_one_line_without_the_providers_words(
    llm: FakeLlm, serve_agent: ServeAgent, json_logs: None, capfd: pytest.CaptureFixture[str]
) -> None:
    llm.script(fake.status(500), fake.status(500))
    async with serve_agent(llm.url) as agent:
        await agent.post({"message": "Hi"}, {"X-Request-ID": "r-43"})
        shown = "".join(capfd.readouterr())

    (line,) = [line for line in lines(shown) if line["message"] == "turn_failed"]
    assert (line["code"], line["request_id"], line["outcome"]) == ("provider_failed", "r-43", "failed")
    assert "sk-secret" not in shown
    assert "Traceback" not in shown


def sample(text: str, name: str, **labels: str) -> float:
    """The value of one sample in Prometheus' text."""
    for line in text.splitlines():
        head, _, value = line.rpartition(" ")
        if head.split("{")[0] == name and all(f'{key}="{wanted}"' in head for key, wanted in labels.items()):
            return float(value)
    raise AssertionError(f"no sample {name} {labels}")


async def test_known_labels_are_there_at_zero_and_turns_are_counted(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    name = "counted"
    async with serve_agent(llm.url, name=name, tools=[{"agent": {"name": "other"}}]) as agent:

        async def metrics() -> str:
            return (await agent.client.get(f"{agent.url}/metrics")).text

        before = await metrics()
        for outcome in ("completed", "failed", "cancelled", "refused"):
            assert sample(before, "talk_agent_turns_total", agent=name, outcome=outcome) == 0
        assert sample(before, "talk_agent_turn_failures_total", agent=name, code="deadline") == 0
        assert sample(before, "talk_agent_tool_calls_total", agent=name, tool="ask_other", outcome="error") == 0

        await agent.say("Hello")
        llm.script(fake.status(500), fake.status(500))
        await agent.say("Hello")
        llm.script(fake.tool_call("ask_other", '{"message": "Hi"}'), fake.tool_call("invented", "{}"))
        await agent.say("Hello")
        after = await metrics()

    assert sample(after, "talk_agent_turns_total", agent=name, outcome="completed") == 2
    assert sample(after, "talk_agent_turns_total", agent=name, outcome="failed") == 1
    assert sample(after, "talk_agent_turn_failures_total", agent=name, code="provider_failed") == 1
    assert sample(after, "talk_agent_turn_seconds_count", agent=name, outcome="completed") == 2
    assert sample(after, "talk_agent_turn_first_text_seconds_count", agent=name) == 2
    assert sample(after, "talk_agent_tokens_total", agent=name, direction="input") == 48
    assert sample(after, "talk_agent_tokens_total", agent=name, direction="output") == 12
    assert sample(after, "talk_agent_llm_calls_total", agent=name) == 5
    assert sample(after, "talk_agent_llm_errors_total", agent=name, code="provider_failed") == 1
    assert sample(after, "talk_agent_retries_total", agent=name, target="openai/m") == 1
    assert sample(after, "talk_agent_breaker_state", agent=name, target="openai/m") == 0
    assert sample(after, "talk_agent_tool_calls_total", agent=name, tool="ask_other", outcome="error") == 1
    assert sample(after, "talk_agent_tool_calls_total", agent=name, tool="unknown", outcome="error") == 1
    assert sample(after, "talk_agent_tool_seconds_count", agent=name, tool="ask_other") == 1
    assert sample(after, "talk_agent_turns_running", agent=name) == 0
    assert sample(after, "talk_agent_sessions", agent=name) == 1
    assert sample(after, "talk_agent_build_info") == 1
    assert 'tool="invented"' not in after


async def test_metrics_may_have_a_port_of_their_own(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url, settings={"metrics_port": 9090}) as agent:
        assert (await agent.client.get(f"{agent.url}/metrics")).status_code == 404


async def test_the_app_is_a_plain_starlette_value(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    from talk_agent.app import create_app

    async with serve_agent(llm.url) as agent:
        app = create_app(agent.service._settings, agent.service._deps)

    assert isinstance(app, Starlette)
    assert [getattr(route, "path", "") for route in app.routes] == [
        "/v1/agents/{agent_name}/chat",
        "/v1/agents/{agent_name}/sessions/{session_id}",
        "/v1/agents/{agent_name}/sessions/{session_id}",
        "/healthz",
        "/ready",
        "/health",
        "/metrics",
    ]
