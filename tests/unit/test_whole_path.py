"""A spoken turn through the real gateway and a real agent, with fakes for the three providers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import orjson
import pytest

from talk_agent.app import create_app as create_agent
from talk_agent.dependencies import read_dependencies
from talk_agent.settings import Settings as AgentSettings
from talk_gateway.app import create_app as create_gateway
from talk_gateway.deps import build_deps
from talk_gateway.settings import read
from talk_kit import logs
from talk_kit.settings import load
from tests.fakes.events import events_of, kinds
from tests.fakes.llm import FakeLlm, end, reached, stall, streamed, text
from tests.fakes.serving import serve
from tests.fakes.speech import speech_wav
from tests.fakes.speech_providers import FakeSpeech
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback
EVENTS = {"Accept": "text/event-stream"}
AGENT = """
apiVersion: talk.dwani.ai/v1alpha1
kind: TalkAgent
metadata: {name: viva-examiner}
spec:
  description: Examines.
  instruction: Ask one question.
  model: {name: %s, baseURL: %s}
"""


@dataclass
class Talk:
    client: httpx.AsyncClient
    llm: FakeLlm
    speech: FakeSpeech


@asynccontextmanager
async def talk(tmp_path: Path, model: str) -> AsyncIterator[Talk]:
    async with AsyncExitStack() as stack:
        llm = await stack.enter_async_context(FakeLlm())
        speech = FakeSpeech()
        speech_url = await stack.enter_async_context(serve(speech.app()))
        file = tmp_path / "agent.yaml"
        file.write_text(AGENT % (model, llm.url))
        environ = {"TALK_AGENT_FILE": str(file)}
        settings = load(AgentSettings, environ)
        agent = await stack.enter_async_context(serve(create_agent(settings, read_dependencies(settings, environ))))
        gateway_settings = read(
            {
                "TALK_AGENTS": f"viva-examiner={agent}",
                "TALK_ASR_BASE_URL": f"{speech_url}/v1",
                "TALK_TTS_BASE_URL": f"{speech_url}/v1",
            }
        )
        app = create_gateway(gateway_settings, build_deps(gateway_settings))
        url = await stack.enter_async_context(serve(app))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
        yield Talk(client, llm, speech)


@pytest.mark.parametrize("model", ["openai/fake", "hosted_vllm/fake"])
async def test_one_request_id_is_seen_by_every_provider_and_in_every_line(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("talk-test", "info")
    async with talk(tmp_path, model) as running:
        await running.llm.until_idle()
        capsys.readouterr()
        asked = len(running.llm.requests)
        answer = await running.client.post(
            "/v1/speech_to_speech?format=json&mode=agent&agent_name=viva_examiner",
            files={"file": ("a.wav", speech_wav(1.0))},
            headers={"X-Request-ID": "one-id.1"},
        )
        assert answer.status_code == 200, answer.text
        assert answer.headers["x-request-id"] == "one-id.1"
        calls = [r for r in running.llm.requests[asked:] if r.body and r.json.get("stream")]  # others are probes
        assert [r.headers["x-request-id"] for r in calls] == ["one-id.1"]
        heard, said = running.speech.heard[0].headers, running.speech.said[0].headers
        assert heard["x-request-id"] == said["x-request-id"] == "one-id.1"
        traces = {h["traceparent"].split("-")[1] for h in (heard, said, calls[0].headers)}
        assert len(traces) == 1
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    turn = [line for line in lines if "turn" in line["message"]]
    assert len(turn) == 2, "one line of the agent, one of the gateway"
    for line in turn:
        assert line["request_id"] == "one-id.1"
        assert line["agent_name"] == "viva-examiner"
        assert line["session_id"] not in (None, answer.json()["session_id"])
    assert "what is a cell" not in str(lines), "text of messages is never logged"


async def test_a_client_that_goes_in_mid_reply_closes_the_model_and_keeps_the_cut_pair(tmp_path: Path) -> None:
    async with talk(tmp_path, "openai/fake") as running:
        said = asyncio.Event()
        running.llm.script(
            streamed(text("One is here. "), text("Two is"), reached(said), stall()), streamed(text("Ok."), *end())
        )
        headers = {**EVENTS, "X-Session-ID": "s"}
        async with running.client.stream(
            "POST", "/v1/speech_to_speech?format=pcm", files={"file": ("a.wav", speech_wav(1.0))}, headers=headers
        ) as answer:
            async for chunk in answer.aiter_bytes():
                if said.is_set() and b"reply.delta" in chunk:
                    break
        await asyncio.wait_for(running.llm.until_idle(), 1)
        await running.client.post("/v1/chat", json={"text": "what did you say last?", "session_id": "s"})
        sent = orjson.loads(running.llm.requests[-1].body)["messages"]
        assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
        assert sent[1]["content"] == "what is a cell"
        assert sent[2]["content"].startswith("One is here.")
        await eventually(lambda: running.speech.running == 0, 2)


async def test_the_same_turn_as_events(tmp_path: Path) -> None:
    async with talk(tmp_path, "openai/fake") as running:
        async with running.client.stream(
            "POST", "/v1/speech_to_speech", files={"file": ("a.wav", speech_wav(1.0))}, headers=EVENTS
        ) as answer:
            events = await events_of(answer)
    found = kinds(events)
    assert found[:4] == ["turn.started", "stage", "transcript", "stage"]
    assert found[-1] == "turn.completed"
    assert "audio.delta" in found
