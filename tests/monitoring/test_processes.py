"""The real processes from outside: one trace through all of them, and no word or secret in what they print."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.otlp import Collector, tree
from tests.fakes.serving import serve
from tests.fakes.speech import speech_wav
from tests.fakes.speech_providers import FakeSpeech
from tests.fakes.valkey import free_port
from tests.fakes.waiting import eventually

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(180)]

TRACE = "ab" * 16
SECRETS = ["sk-canary-model-key", "sk-canary-asr-key", "sk-canary-tts-key", "canary-hash-key"]
QUESTION, SPOKEN, REPLY, INSTRUCTION = (
    "canary question of a user", "canary words that were spoken", "Canary reply of the model.", "Canary instruction.",
)  # fmt: skip
AGENT = """
apiVersion: talk.dwani.ai/v1alpha1
kind: TalkAgent
metadata: {name: assistant}
spec:
  instruction: %s
  model: {name: openai/fake, baseURL: %s}
"""


@dataclass
class Talk:
    client: httpx.AsyncClient
    llm: FakeLlm
    speech: FakeSpeech
    collector: Collector
    printed: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def process(module: str, environ: dict[str, str], printed: list[bytes]) -> AsyncIterator[None]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TALK_", "OPENAI_", "OTEL_"))}
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module,
        env={**inherited, **environ}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    assert running.stdout is not None

    async def read(stream: asyncio.StreamReader) -> None:
        while data := await stream.read(65536):
            printed.append(data)

    reading = asyncio.create_task(read(running.stdout), name=f"read-{module}")
    try:
        yield
    finally:
        running.terminate()
        await asyncio.wait_for(running.wait(), 30)
        await asyncio.wait_for(reading, 10)


@asynccontextmanager
async def talk(folder: Path) -> AsyncIterator[Talk]:
    async with AsyncExitStack() as stack:
        llm = await stack.enter_async_context(FakeLlm())
        speech, collector, printed = FakeSpeech(transcript=SPOKEN), Collector(), list[bytes]()
        speech_url = await stack.enter_async_context(serve(speech.app()))
        traces = await stack.enter_async_context(serve(collector.app()))
        file = folder / "agent.yaml"
        file.write_text(AGENT % (INSTRUCTION, llm.url))
        ports = free_port(), free_port()
        shared = {
            "TALK_LOG_LEVEL": "debug", "TALK_LOG_HASH_KEY": "canary-hash-key", "TALK_HOST": "127.0.0.1",
            "OTEL_EXPORTER_OTLP_ENDPOINT": traces, "OTEL_BSP_SCHEDULE_DELAY": "100",
        }  # fmt: skip
        agent = {"TALK_AGENT_FILE": str(file), "TALK_API_KEY": "sk-canary-model-key", "TALK_MODEL": "openai/fake",
                 "TALK_BASE_URL": llm.url}  # fmt: skip
        gateway = {
            "TALK_AGENTS": f"assistant=http://127.0.0.1:{ports[0]}",
            "TALK_ASR_BASE_URL": f"{speech_url}/v1", "TALK_ASR_API_KEY": "sk-canary-asr-key",
            "TALK_TTS_BASE_URL": f"{speech_url}/v1", "TALK_TTS_API_KEY": "sk-canary-tts-key",
        }  # fmt: skip
        own = {**shared, **agent, "TALK_PORT": str(ports[0])}
        await stack.enter_async_context(process("talk_agent", own, printed))
        await stack.enter_async_context(
            process("talk_gateway", {**shared, **gateway, "TALK_PORT": str(ports[1])}, printed)
        )
        url = f"http://127.0.0.1:{ports[1]}"
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))

        async def ready() -> bool:
            try:
                return bool((await client.get("/v1/agents")).json()["agents"][0]["ready"])
            except httpx.TransportError:
                return False

        await eventually(ready, 90)
        yield Talk(client, llm, speech, collector, printed)


async def test_one_trace_through_all_and_no_word_or_secret_in_it_or_in_what_is_printed(tmp_path: Path) -> None:
    async with talk(tmp_path) as running:
        running.llm.script(fake.reply(REPLY))
        answer = await running.client.post(
            "/v1/speech_to_speech?format=json",
            files={"file": ("a.wav", speech_wav(1.0))},
            headers={"traceparent": f"00-{TRACE}-{'cd' * 8}-01"},
        )
        assert answer.status_code == 200, answer.text
        # What may pass is asked twice.
        garbage = fake.body(b"data: " + REPLY.encode() + b"\n\n")
        running.llm.script(fake.status(500), fake.status(500), fake.status(401), garbage, garbage)
        for _ in range(3):
            failed = await running.client.post("/v1/chat", json={"text": QUESTION})
            assert failed.status_code >= 500
        running.speech.asr_status = 500
        await running.client.post("/v1/speech_to_speech", files={"file": ("a.wav", speech_wav(1.0))})
        await eventually(
            lambda: {"talk-gateway", "talk-agent"} <= {service for service, _ in running.collector.spans}, 20
        )

    ours = running.collector.of(TRACE)
    print(tree(ours))
    assert {service for service, _ in ours} == {"talk-gateway", "talk-agent"}
    known = {span.span_id for _, span in ours}
    roots = [service for service, span in ours if span.parent_span_id not in known]
    assert set(roots) == {"talk-gateway"}, "every span of the agent hangs below the gateway's"
    servers = {span.name for _, span in running.collector.spans if span.kind == Span.SPAN_KIND_SERVER}
    assert servers == {
        "POST /v1/speech_to_speech", "POST /v1/chat", "POST /v1/agents/{agent_name}/chat", "GET /v1/agents"
    }, "no probe has a trace, no path is a name"  # fmt: skip
    assert not [span.name for _, span in ours if "http send" in span.name], "a piece of an answer is no span"
    assert running.llm.requests[0].headers["traceparent"].split("-")[1]
    assert {
        each.headers["traceparent"].split("-")[1] for each in (*running.speech.heard[:1], *running.speech.said[:1])
    } == {TRACE}
    calls = sorted(
        span.name for _, span in ours if span.kind == Span.SPAN_KIND_CLIENT and span.name.startswith("POST ")
    )
    assert calls == [
        "POST The agent assistant",
        "POST The model provider",
        "POST The speech recognition",
        "POST The speech synthesis",
    ]
    keys = {attribute.key for service, span in ours if service == "talk-agent" for attribute in span.attributes}
    assert any(key.startswith("gen_ai.") for key in keys), keys

    printed = b"".join(running.printed).decode()
    assert '"message":"turn_completed"' in printed
    assert '"message":"turn_failed"' in printed
    for canary in (*SECRETS, QUESTION, SPOKEN, REPLY, INSTRUCTION, "upstream words", "secret words of the provider"):
        assert canary not in printed
        assert canary.encode() not in running.collector.raw, f"{canary} is in a span"
