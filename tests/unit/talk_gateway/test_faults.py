"""Endpoints that misbehave: each turn ends within its bounds and says so, and what is well stays in service."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from talk_gateway.providers import tts
from talk_kit.errors import AgentNotReady, Draining, RateLimited
from talk_kit.events import TurnCompleted, TurnFailed
from tests.fakes.agent import FakeAgent
from tests.fakes.events import events_of
from tests.fakes.faults import Fault, FaultyProvider
from tests.fakes.serving import serve_all
from tests.fakes.speech import speech_wav
from tests.fakes.waiting import eventually
from tests.unit.talk_gateway.conftest import Gateway, start

pytestmark = pytest.mark.loopback

URL = "/v1/speech_to_speech"
EVENTS = {"Accept": "text/event-stream"}
SPEECH = speech_wav(1.0)
NAMES = ("assistant",)
# Bounds that a test can wait for; each fault has to end within the sum of them.
BOUNDS = {
    "TALK_ASR_TIMEOUT": "1",
    "TALK_TTS_TIMEOUT": "1",
    "TALK_TTS_FIRST_TIMEOUT": "0.3",
    "TALK_TTS_TOTAL_TIMEOUT": "1",
    "TALK_CONNECT_TIMEOUT": "1",
    "TALK_BREAKER_SECONDS": "0.3",
}


def nobody() -> str:
    """A URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def ask(gateway: Gateway, query: str = "format=pcm", headers: dict[str, str] | None = None) -> httpx.Response:
    upload = {"file": ("a.wav", SPEECH, "audio/wav")}
    return await gateway.client.post(f"{URL}?{query}", files=upload, headers=headers or {})


async def ending(gateway: Gateway) -> TurnCompleted | TurnFailed:
    upload = {"file": ("a.wav", SPEECH, "audio/wav")}
    async with gateway.client.stream("POST", f"{URL}?format=pcm", files=upload, headers=EVENTS) as answer:
        assert answer.status_code == 200, await answer.aread()
        last = (await events_of(answer))[-1]
    assert isinstance(last, TurnCompleted | TurnFailed)
    return last


async def metric(gateway: Gateway, series: str) -> float:
    for line in (await gateway.client.get("/metrics")).text.splitlines():
        if line.startswith(series + " "):
            return float(line.rpartition(" ")[2])
    return 0.0


@asynccontextmanager
async def faulty(part: str, **environ: str) -> AsyncIterator[tuple[Gateway, FaultyProvider]]:
    """A gateway of which one speech provider misbehaves: `ASR` or `TTS`."""
    provider = FaultyProvider()
    async with provider.serve() as url, start(NAMES, **{**BOUNDS, f"TALK_{part}_BASE_URL": url, **environ}) as gateway:
        yield gateway, provider


@asynccontextmanager
async def with_backup(part: str, **environ: str) -> AsyncIterator[tuple[Gateway, FaultyProvider, FaultyProvider]]:
    """The same with a second provider, which takes the first one's place."""
    backup = FaultyProvider()
    async with AsyncExitStack() as stack:
        url = await stack.enter_async_context(backup.serve())
        providers = json.dumps([{"name": "backup", "baseURL": url, "speech": {"model": "other", "voice": "other"}}])
        names = {"TALK_SPEECH_PROVIDERS": providers, f"TALK_{part}_FALLBACKS": "backup"}
        gateway, first = await stack.enter_async_context(faulty(part, **names, **environ))
        yield gateway, first, backup


@pytest.mark.parametrize(
    ("part", "fault", "status", "code"),
    [
        ("ASR", "slow", 504, "deadline"),
        ("ASR", "trickle", 504, "deadline"),
        ("ASR", "500", 502, "provider_failed"),
        ("ASR", "429", 503, "provider_busy"),
        ("ASR", "reset", 502, "provider_failed"),
        ("ASR", "cut", 502, "provider_failed"),
        ("TTS", "slow", 504, "deadline"),
        ("TTS", "500", 502, "provider_failed"),
        ("TTS", "429", 503, "provider_busy"),
        ("TTS", "reset", 502, "provider_failed"),
    ],
)
async def test_what_fails_before_the_first_sound_has_its_status(
    part: str, fault: Fault, status: int, code: str
) -> None:
    async with faulty(part) as (gateway, provider):
        provider.fault = fault
        async with asyncio.timeout(10):
            answer = await ask(gateway)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("fault", "code"), [("stall", "deadline"), ("trickle", "deadline"), ("cut", "provider_failed")]
)
async def test_what_fails_after_the_first_sound_ends_the_turn_with_its_code(fault: Fault, code: str) -> None:
    async with faulty("TTS") as (gateway, provider):
        provider.fault = fault
        async with asyncio.timeout(10):
            failed = await ending(gateway)
        assert isinstance(failed, TurnFailed)
        assert (failed.code, failed.retryable) == (code, True)
        await asyncio.wait_for(provider.left.wait(), 2)


@pytest.mark.parametrize("part", ["ASR", "TTS"])
async def test_nobody_listens(part: str) -> None:
    async with start(NAMES, **{**BOUNDS, f"TALK_{part}_BASE_URL": f"{nobody()}/v1"}) as gateway:
        answer = await ask(gateway)
        assert (answer.status_code, answer.json()["code"]) == (503, "provider_unreachable")
        assert int(answer.headers["retry-after"]) >= 1


# For tests of 500s: a loaded machine must not make them time-outs.
PATIENT = {"TALK_ASR_TIMEOUT": "30", "TALK_TTS_TIMEOUT": "30", "TALK_TTS_FIRST_TIMEOUT": "30"}


async def fail_until_open(gateway: Gateway, provider: FaultyProvider) -> None:
    provider.fault = "500"
    while (await ask(gateway)).json()["code"] != "circuit_open":
        assert len(provider.asked) < 10


@pytest.mark.parametrize("part", ["ASR", "TTS"])
async def test_a_provider_that_fails_for_a_while_is_left_alone(part: str) -> None:
    target = f'{{target="{part.lower()}:default"}}'
    async with faulty(part, **PATIENT, TALK_BREAKER_SECONDS="60") as (gateway, provider):
        opened = await metric(gateway, f"talk_gateway_breaker_opened_total{target}")
        await fail_until_open(gateway, provider)
        asked = len(provider.asked)
        assert asked >= 5
        provider.fault = "none"
        for headers in ({}, EVENTS):
            refused = await ask(gateway, "format=mp3", headers)
            assert (refused.status_code, refused.json()["code"]) == (503, "circuit_open")
            assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert len(provider.asked) == asked
        assert await metric(gateway, f"talk_gateway_breaker_state{target}") == 2.0
        assert await metric(gateway, f"talk_gateway_breaker_opened_total{target}") == opened + 1


@pytest.mark.parametrize("part", ["ASR", "TTS"])
async def test_a_provider_that_is_well_again_is_found_so_by_one_call(part: str) -> None:
    async with faulty(part, **PATIENT) as (gateway, provider):
        await fail_until_open(gateway, provider)
        provider.fault = "none"

        async def well() -> bool:
            return (await ask(gateway)).status_code == 200

        await eventually(well, 10)
        assert await metric(gateway, f'talk_gateway_breaker_state{{target="{part.lower()}:default"}}') == 0.0


async def test_a_turn_of_many_sentences_is_the_trial_as_a_whole() -> None:
    async with faulty("TTS", **PATIENT) as (gateway, provider):
        gateway.agent.script = ["One is here. ", "Two is here. ", "Three is here. ", "Four is here."]
        await fail_until_open(gateway, provider)
        provider.fault = "none"

        async def well() -> bool:
            return (await ask(gateway)).status_code == 200

        await eventually(well, 10)
        assert isinstance(await ending(gateway), TurnCompleted)


async def test_what_a_provider_does_once_wrong_is_asked_again_and_nobody_notices() -> None:
    async with faulty("ASR", **PATIENT) as (gateway, provider):
        provider.fault = "500"
        call = asyncio.create_task(ask(gateway))
        await eventually(lambda: len(provider.asked) == 1)
        provider.fault = "none"
        assert (await call).status_code == 200
        assert len(provider.asked) == 2
        assert await metric(gateway, 'talk_gateway_retries_total{target="asr:default"}') >= 1


@pytest.mark.parametrize("fault", ["slow", "500", "429", "reset", "cut"])
@pytest.mark.parametrize("part", ["ASR", "TTS"])
async def test_a_fallback_takes_the_place_of_a_provider_that_fails(part: str, fault: Fault) -> None:
    if (part, fault) == ("TTS", "cut"):
        return  # its sound has begun
    async with with_backup(part) as (gateway, first, backup):
        first.fault = fault
        async with asyncio.timeout(10):
            answer = await ask(gateway)
        assert answer.status_code == 200
        assert backup.asked
        service = part.lower()
        assert await metric(gateway, f'talk_gateway_fallbacks_total{{provider="backup",service="{service}"}}') >= 1


async def test_a_turn_stays_with_the_voice_it_went_to() -> None:
    async with with_backup("TTS", **PATIENT, TALK_RETRIES="0") as (gateway, first, backup):
        gateway.agent.script = ["One is here. ", "Two is here. ", "Three is here. ", "Four is here. ", "Five is here."]
        first.fault = "500"
        assert isinstance(await ending(gateway), TurnCompleted)
        assert len(backup.asked) == 5
        assert len(first.asked) <= 3, "no more than were asked for at once"


async def test_after_a_sentence_was_heard_its_voice_does_not_change_within_it() -> None:
    async with with_backup("TTS") as (gateway, first, backup):
        first.fault = "cut"
        failed = await ending(gateway)
        assert isinstance(failed, TurnFailed)
        assert backup.asked == []


async def test_where_every_provider_fails_the_last_ones_error_is_told_and_both_are_left_alone() -> None:
    async with with_backup("ASR", **PATIENT) as (gateway, first, backup):
        first.fault = backup.fault = "500"
        assert (await ask(gateway)).json()["code"] == "provider_failed"

        async def refused() -> bool:
            return str((await ask(gateway)).json()["code"]) == "circuit_open"

        await eventually(refused)
        first.fault = "none"

        async def well() -> bool:
            return (await ask(gateway)).status_code == 200

        await eventually(well)


async def test_with_everything_down_the_gateway_lives_and_says_what_is_wrong() -> None:
    dead = {f"TALK_{part}_BASE_URL": f"{nobody()}/v1" for part in ("ASR", "TTS")}
    async with start(("one",), **BOUNDS, **dead, TALK_AGENTS=f"one={nobody()}") as gateway:
        for _ in range(8):
            chat = await gateway.client.post("/v1/chat", json={"text": "Hi"})
            voice = await ask(gateway)
            for answer in (chat, voice):
                assert answer.status_code == 503
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["retryable"] is True
                assert int(answer.headers["retry-after"]) >= 1
        assert (await gateway.client.get("/healthz")).status_code == 200
        assert (await gateway.client.get("/ready")).status_code == 200
        assert (await gateway.client.get("/")).status_code == 200
        assert (await gateway.client.get("/v1/agents")).json()["agents"][0]["ready"] is False


async def test_a_pod_that_breaks_off_is_avoided_and_the_agent_is_refused_only_when_all_do() -> None:
    fakes = [FakeAgent(break_off=True), FakeAgent()]
    async with serve_all(*(fake.app() for fake in fakes)) as urls:
        async with start(("one",), TALK_AGENTS=f"one={'|'.join(urls)}", TALK_BREAKER_SECONDS="60") as gateway:

            async def chat() -> httpx.Response:
                return await gateway.client.post("/v1/chat", json={"text": "Hi"})

            for _ in range(12):
                await chat()
            asked = len(fakes[0].asked)
            assert asked == 5
            assert [(await chat()).status_code for _ in range(4)] == [200] * 4
            assert len(fakes[0].asked) == asked
            assert await metric(gateway, 'talk_gateway_breaker_state{target="agent:one"}') == 0.0
            fakes[1].break_off = True
            codes = [(await chat()).json()["code"] for _ in range(6)]
            assert codes == ["provider_failed"] * 5 + ["circuit_open"]
            assert await metric(gateway, 'talk_gateway_breaker_state{target="agent:one"}') == 2.0
            refused = await ask(gateway)
            assert (refused.status_code, refused.json()["code"]) == (503, "circuit_open")
            assert 1 <= int(refused.headers["retry-after"]) <= 60
            assert gateway.speech.heard == [], "a turn that its agent cannot take is refused before it is heard"


@pytest.mark.parametrize("refusal", [AgentNotReady(), RateLimited()])
async def test_what_an_agent_refuses_or_fails_with_itself_says_that_its_pod_is_well(refusal: Any) -> None:
    async with start(("one",)) as gateway:
        gateway.agent.refuse = refusal
        codes = {(await gateway.client.post("/v1/chat", json={"text": "Hi"})).json()["code"] for _ in range(12)}
        assert codes == {refusal.code}
        gateway.agent.refuse = None
        assert (await gateway.client.post("/v1/chat", json={"text": "Hi"})).status_code == 200


@pytest.mark.parametrize("refusal", [RateLimited(), Draining()])
async def test_a_turn_goes_to_another_pod_where_one_has_no_place(refusal: Any) -> None:
    fakes = [FakeAgent(refuse=refusal), FakeAgent()]
    async with serve_all(*(fake.app() for fake in fakes)) as urls:
        async with start(("one",), TALK_AGENTS=f"one={'|'.join(urls)}") as gateway:
            for _ in range(4):
                assert (await gateway.client.post("/v1/chat", json={"text": "Hi"})).status_code == 200


@pytest.mark.parametrize("header", ["0", "-1", "soon", "1e9", "nan"])
async def test_a_time_that_is_none_is_refused(header: str) -> None:
    async with start() as gateway:
        for answer in (
            await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers={"X-Request-Timeout": header}),
            await ask(gateway, headers={"X-Request-Timeout": header}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
            assert "X-Request-Timeout" in answer.json()["detail"]
        assert gateway.agent.asked == []


async def test_the_agent_learns_what_is_left_and_the_turn_ends_with_it() -> None:
    async with start() as gateway:
        gateway.agent.script = ["Hm. ", asyncio.Event()]
        timeout = {"X-Request-Timeout": "0.5"}
        answer = await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers=timeout)
        assert (answer.status_code, answer.json()["code"]) == (504, "deadline")
        assert 0 < float(gateway.agent.headers[0]["x-request-timeout"]) <= 0.5
        await asyncio.wait_for(gateway.agent.closed_early.wait(), 2)
        async with gateway.client.stream(
            "POST", "/v1/chat", json={"text": "Hi"}, headers={**timeout, **EVENTS}
        ) as stream:
            assert stream.status_code == 200
            failed = (await events_of(stream))[-1]
        assert isinstance(failed, TurnFailed)
        assert failed.code == "deadline"
        voice = await ask(gateway, "format=json", timeout)
        assert (voice.status_code, voice.json()["code"]) == (504, "deadline")


async def test_callers_in_a_hurry_close_no_provider_to_the_others() -> None:
    async with faulty("ASR", TALK_ASR_TIMEOUT="30") as (gateway, provider):
        provider.fault = "slow"
        answers = await asyncio.gather(*(ask(gateway, headers={"X-Request-Timeout": "0.3"}) for _ in range(8)))
        assert {answer.json()["code"] for answer in answers} == {"deadline"}
        provider.fault = "none"
        assert (await ask(gateway)).status_code == 200


@pytest.mark.parametrize("kind", ["chat", "stream", "voice"])
async def test_a_place_is_free_again_when_a_caller_has_gone(kind: str) -> None:
    running = f'talk_gateway_turns_running{{kind="{"voice" if kind == "voice" else "chat"}"}}'
    async with start(TALK_TURNS="1", TALK_WAITING_TURNS="0") as gateway:
        gateway.agent.script = [asyncio.Event()]
        for _ in range(5):
            gateway.agent.begun.clear()
            headers = EVENTS if kind == "stream" else {}
            work = ask(gateway) if kind == "voice" else gateway.client.post(
                "/v1/chat", json={"text": "Hi"}, headers=headers
            )  # fmt: skip
            call = asyncio.create_task(work)
            await asyncio.wait_for(gateway.agent.begun.wait(), 5)
            for refused in (await ask(gateway), await gateway.client.post("/v1/chat", json={"text": "Hi"})):
                assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
                assert int(refused.headers["retry-after"]) >= 1
            call.cancel()
            await asyncio.wait_for(gateway.agent.closed_early.wait(), 1)
            gateway.agent.closed_early.clear()

            async def free() -> bool:
                return await metric(gateway, running) == 0

            await eventually(free, 1)
        gateway.agent.script = ["Hello."]
        assert (await gateway.client.post("/v1/chat", json={"text": "Hi"})).status_code == 200


async def test_one_agent_at_its_bound_is_429_and_another_still_answers() -> None:
    async with start(TALK_AGENT_TURNS="1", TALK_WAITING_TURNS="0") as gateway:
        gateway.agent.script = [asyncio.Event()]
        call = asyncio.create_task(gateway.client.post("/v1/chat", json={"text": "Hi"}))
        await asyncio.wait_for(gateway.agent.begun.wait(), 5)
        refused = await gateway.client.post("/v1/chat", json={"text": "Hi"})
        assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
        assert int(refused.headers["retry-after"]) >= 1
        other = await gateway.client.post("/v1/agents/viva-examiner/chat", json={"message": "Hi"})
        assert other.status_code == 200
        call.cancel()


async def test_a_client_that_reads_nothing_stops_the_provider_and_little_is_held_for_it() -> None:
    async with faulty("TTS", TALK_TTS_TOTAL_TIMEOUT="60", TALK_TTS_TIMEOUT="60") as (gateway, provider):
        provider.fault = "endless"
        gateway.agent.script = ["One is here. ", "Two is here. ", "Three is here. ", "Four is here. ", "Five is here."]
        request = gateway.client.build_request(
            "POST", f"{URL}?format=pcm", files={"file": ("a.wav", SPEECH, "audio/wav")}
        )
        body = await request.aread()
        address = urlsplit(str(gateway.client.base_url))
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(connection, (address.hostname, address.port))
        head = f"POST {URL}?format=pcm HTTP/1.1\r\nhost: a\r\ncontent-type: {request.headers['content-type']}\r\n"
        await loop.sock_sendall(connection, f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)
        await eventually(lambda: provider.sent > 0, 10)
        before = -1
        while before != provider.sent:
            before = provider.sent
            await asyncio.sleep(0.3)  # the only sign of a stream that stands still is that nothing comes
        # 45 MiB were to come for three sentences. The gateway holds 2.8 MB of them at most; the rest of what has left
        # lies in the kernel's buffers, which grow while a connection is read.
        assert provider.sent < 24 << 20
        assert await metric(gateway, 'talk_gateway_turns_running{kind="voice"}') == 1
        connection.close()

        async def over() -> bool:
            return await metric(gateway, 'talk_gateway_turns_running{kind="voice"}') == 0

        await eventually(over, 5)


async def test_more_sound_than_a_sentence_has_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tts, "LARGEST_SENTENCE", 1 << 20)
    async with faulty("TTS") as (gateway, provider):
        provider.fault = "endless"
        answer = await ask(gateway, "format=json")
        assert (answer.status_code, answer.json()["code"]) == (502, "provider_failed")
        await asyncio.wait_for(provider.left.wait(), 2)
