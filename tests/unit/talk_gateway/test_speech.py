"""`/v1/speech_to_speech` in all its forms, over HTTP."""

from __future__ import annotations

import asyncio
import base64
from typing import Any

import httpx
import orjson
import pytest

from talk_kit.events import (
    AudioDelta,
    ReplyDelta,
    StageChanged,
    ToolCompleted,
    ToolStarted,
    Transcript,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
)
from talk_kit.sse import read_turn
from tests.fakes.events import events_of, kinds
from tests.fakes.speech import speech_wav
from tests.fakes.speech_providers import BYTES_PER_CHARACTER
from tests.fakes.waiting import eventually
from tests.unit.talk_gateway.conftest import Gateway, StartGateway

pytestmark = pytest.mark.loopback
EVENTS = {"Accept": "text/event-stream"}
URL = "/v1/speech_to_speech"
SPEECH = speech_wav(1.0)
SENTENCES = ["One is here. ", "Two is here. ", "Three is here. ", "Four is here. ", "Five is here."]


def recording(data: bytes = SPEECH, name: str = "speech.wav", type_: str = "audio/wav") -> dict[str, Any]:
    return {"file": (name, data, type_)}


async def ask(
    gateway: Gateway, query: str = "", headers: dict[str, str] | None = None, **upload: Any
) -> httpx.Response:
    return await gateway.client.post(f"{URL}?{query}", files=upload or recording(), headers=headers or {})


async def ask_events(gateway: Gateway, query: str = "format=pcm") -> list[TurnEvent]:
    async with gateway.client.stream("POST", f"{URL}?{query}", files=recording(), headers=EVENTS) as answer:
        assert answer.status_code == 200
        return await events_of(answer)


async def test_a_spoken_reply_as_events(gateway: Gateway) -> None:
    events = await ask_events(gateway)
    found = kinds(events)
    assert found[:5] == ["turn.started", "stage", "transcript", "stage", "reply.delta"]
    assert found[-1] == "turn.completed"
    assert Transcript("what is a cell") in events
    assert [e.stage for e in events if isinstance(e, StageChanged)] == ["transcribing", "thinking", "speaking"]
    assert gateway.speech.sentences == ["Hello.", "I am well."]
    pcm = b"".join(base64.b64decode(e.audio) for e in events if isinstance(e, AudioDelta))
    assert {e.format for e in events if isinstance(e, AudioDelta)} == {"pcm_s16le_24000"}
    assert pcm == b"\x10\x01" * (len(pcm) // 2)
    assert len(pcm) == BYTES_PER_CHARACTER * len("Hello.I am well.")
    ending = events[-1]
    assert isinstance(ending, TurnCompleted)
    assert {"asr", "llm_ttft", "first_sentence", "tts_ttfb", "first_audio", "total"} <= set(ending.timings)


@pytest.mark.parametrize(
    ("format_", "type_", "start"),
    [
        ("mp3", "audio/mpeg", b"\xff"),
        ("wav", "audio/wav", b"RIFF\xff\xff\xff\xff"),
        ("pcm", "audio/", b"\x10\x01\x10\x01"),
    ],
)
async def test_a_spoken_reply_as_sound(gateway: Gateway, format_: str, type_: str, start: bytes) -> None:
    answer = await ask(gateway, f"format={format_}", {"X-Session-ID": "mine"})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(type_)
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.headers["x-session-id"] == "mine"
    assert answer.content.startswith(start)
    assert answer.content.count(b"RIFF") == (format_ == "wav")


async def test_a_spoken_reply_as_json(gateway: Gateway) -> None:
    body = (await ask(gateway, "format=json")).json()
    assert (body["transcription"], body["llm_response"]) == ("what is a cell", "Hello. I am well.")
    assert base64.b64decode(body["audio_base64"])[0] == 0xFF


async def test_sound_begins_while_the_model_still_writes(gateway: Gateway) -> None:
    more = asyncio.Event()
    gateway.agent.script = ["One is here. Two", more, " is here."]
    async with gateway.client.stream("POST", f"{URL}?format=pcm", files=recording()) as answer:
        chunks = answer.aiter_bytes()
        assert await asyncio.wait_for(anext(chunks), 5)
        assert gateway.speech.sentences == ["One is here."]
        more.set()
        rest = b"".join([chunk async for chunk in chunks])
    assert rest
    assert gateway.speech.sentences == ["One is here.", "Two is here."]


async def test_a_finished_sentence_is_spoken_when_the_model_pauses(gateway: Gateway) -> None:
    more = asyncio.Event()
    gateway.agent.script = ["Hello there.", more, " Bye."]
    async with gateway.client.stream("POST", f"{URL}?format=pcm", files=recording()) as answer:
        assert await asyncio.wait_for(anext(answer.aiter_bytes()), 5)
        more.set()


async def test_at_most_two_sentences_are_asked_for_ahead_and_sound_stays_in_order(gateway: Gateway) -> None:
    gateway.speech.gate = asyncio.Event()
    gateway.agent.script = list(SENTENCES)
    async with gateway.client.stream("POST", f"{URL}?format=pcm", files=recording(), headers=EVENTS) as answer:
        stream = read_turn(answer.aiter_bytes())
        seen: list[TurnEvent] = []
        while len([e for e in seen if isinstance(e, ReplyDelta)]) < 5:
            seen.append(await anext(stream))
        await eventually(lambda: len(gateway.speech.said) >= 3)
        assert gateway.speech.most_running <= 3
        gateway.speech.gate.set()
        seen += [event async for event in stream]
    assert gateway.speech.sentences == [sentence.strip() for sentence in SENTENCES]
    assert gateway.speech.most_running <= 3
    assert isinstance(seen[-1], TurnCompleted)


async def test_text_on_both_sides_of_a_tool_call_is_two_messages(gateway: Gateway) -> None:
    gateway.agent.script = [
        "Let me check.",
        ToolStarted("c", "weather"),
        ToolCompleted("c", "weather", "ok"),
        "It is sunny.",
    ]
    await ask_events(gateway)
    assert gateway.speech.sentences == ["Let me check.", "It is sunny."]


async def test_what_is_not_spoken_is_still_written(gateway: Gateway) -> None:
    gateway.agent.script = ["```\nx = 1\n```"]
    events = await ask_events(gateway)
    assert isinstance(events[-1], TurnCompleted)
    assert gateway.speech.said == []
    answer = await ask(gateway, "format=mp3")
    assert (answer.status_code, answer.content[0]) == (200, 0xFF)


async def test_silence_is_told_before_any_provider_is_asked(gateway: Gateway) -> None:
    silence = recording(SPEECH[:44] + bytes(len(SPEECH) - 44))
    for format_ in ("mp3", "json"):
        answer = await ask(gateway, f"format={format_}", **silence)
        assert (answer.status_code, answer.json()["code"]) == (422, "no_speech")
    async with gateway.client.stream("POST", URL, files=silence, headers=EVENTS) as answer:
        events = await events_of(answer)
    assert answer.status_code == 200
    assert kinds(events) == ["turn.started", "stage", "turn.failed"]
    assert not gateway.speech.heard
    assert not gateway.agent.asked


@pytest.mark.parametrize("text", ["", "  ", "...", "♪"])
async def test_an_empty_transcript_is_no_speech(gateway: Gateway, text: str) -> None:
    gateway.speech.transcript = text
    answer = await ask(gateway)
    assert (answer.status_code, answer.json()["code"]) == (422, "no_speech")
    assert gateway.agent.asked == []


@pytest.mark.parametrize(
    ("script", "status", "code"),
    [
        ({"asr_status": 500}, 502, "provider_failed"),
        ({"asr_status": 429}, 503, "provider_busy"),
        ({"asr_status": 401}, 503, "provider_unreachable"),
        ({"asr_body": b"<html>"}, 502, "provider_failed"),
        ({"asr_body": b"{}"}, 502, "provider_failed"),
        ({"tts_status": 500}, 502, "provider_failed"),
        ({"tts_status": 429}, 503, "provider_busy"),
        ({"tts_body": b""}, 502, "no_audio"),
        ({"tts_body": b'{"error": 1}', "tts_type": "application/json"}, 502, "provider_failed"),
    ],
)
async def test_each_provider_fault_has_its_own_error_in_every_form(
    start_gateway: StartGateway, script: dict[str, Any], status: int, code: str
) -> None:
    async with start_gateway(TALK_BREAKER_FAILURES="1000", TALK_RETRIES="0") as gateway:
        for name, value in script.items():
            setattr(gateway.speech, name, value)
        for query in ("format=mp3", "format=json"):
            answer = await ask(gateway, query)
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert "secret" not in answer.text
        failed = (await ask_events(gateway))[-1]
    assert isinstance(failed, TurnFailed)
    assert failed.code == code
    assert "secret" not in failed.detail


async def test_a_slow_provider_runs_into_its_bound(start_gateway: StartGateway) -> None:
    async with start_gateway(TALK_ASR_TIMEOUT="1") as gateway:
        gateway.speech.asr_stall = asyncio.Event()
        answer = await ask(gateway)
        gateway.speech.asr_stall.set()
    assert (answer.status_code, answer.json()["code"]) == (504, "deadline")


async def test_a_voice_that_fails_keeps_the_text_whole(gateway: Gateway) -> None:
    gateway.speech.tts_fail_on = "Two"
    gateway.agent.script = list(SENTENCES)
    events = await ask_events(gateway)
    assert "".join(e.text for e in events if isinstance(e, ReplyDelta)) == "".join(SENTENCES)
    assert isinstance(events[-1], TurnFailed)
    assert not gateway.agent.closed_early.is_set()
    pcm = b"".join(base64.b64decode(e.audio) for e in events if isinstance(e, AudioDelta))
    assert len(pcm) == BYTES_PER_CHARACTER * len("One is here.")


async def test_a_body_that_fails_after_its_first_sound_is_cut_off(gateway: Gateway) -> None:
    gateway.speech.tts_fail_on = "Two"
    gateway.agent.script = list(SENTENCES)
    with pytest.raises(httpx.RemoteProtocolError):
        await ask(gateway, "format=pcm")


@pytest.mark.parametrize("headers", [{}, EVENTS])
async def test_a_client_that_goes_ends_every_request(gateway: Gateway, headers: dict[str, str]) -> None:
    gateway.agent.script = ["One is here. Two", asyncio.Event()]
    gateway.speech.gate = asyncio.Event()
    async with gateway.client.stream("POST", f"{URL}?format=pcm", files=recording(), headers=headers) as answer:
        async for chunk in answer.aiter_bytes():
            if not headers or b"audio.delta" in chunk:
                break
    await asyncio.wait_for(gateway.agent.closed_early.wait(), 1)
    gateway.speech.gate.set()
    await eventually(lambda: gateway.speech.running == 0, 2)
    await eventually(lambda: not turn_tasks(), 2)


def turn_tasks() -> set[str]:
    """The names of tasks that belong to a turn."""
    names = {task.get_name() for task in asyncio.all_tasks()}
    return {name for name in names if name.startswith(("voice-turn", "speech-queue", "response", "event-stream"))}


async def test_a_client_that_goes_during_transcription_ends_it(gateway: Gateway) -> None:
    for query in ("format=mp3", "format=json"):
        gateway.speech.asr_stall = asyncio.Event()
        gateway.speech.asr_asked.clear()
        call = asyncio.create_task(ask(gateway, query))
        await asyncio.wait_for(gateway.speech.asr_asked.wait(), 5)
        call.cancel()
        await eventually(lambda: all(task.get_name() != "voice-turn" for task in asyncio.all_tasks()), 2)
        gateway.speech.asr_stall.set()
    assert gateway.agent.asked == []


async def test_providers_get_plain_wav_the_language_and_the_request_id(gateway: Gateway) -> None:
    await ask(gateway, "language=kannada", {"X-Request-ID": "voice-1"})
    heard, said = gateway.speech.heard[0], gateway.speech.said[0]
    assert heard.headers["x-request-id"] == said.headers["x-request-id"] == "voice-1"
    assert gateway.agent.headers[0]["x-request-id"] == "voice-1"
    assert heard.headers["traceparent"].split("-")[1] == said.headers["traceparent"].split("-")[1]
    assert heard.body["language"] == "kn"
    wav = heard.body["file"]
    assert isinstance(wav, bytes)
    assert wav[:4] == b"RIFF"
    assert said.body["response_format"] == "pcm"
    assert said.headers["authorization"] == "Bearer canary-key"
    assert "authorization" not in heard.headers


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("language=en-IN", 200),
        ("language=klingon", 400),
        ("format=ogg", 400),
        ("format=wav", 200),
        ("mode=agent&agent_name=nobody", 404),
        ("mode=robot", 400),
        ("session_id=" + "s" * 129, 400),
    ],
)
async def test_what_the_query_may_say(gateway: Gateway, query: str, status: int) -> None:
    answer = await ask(gateway, query)
    assert answer.status_code == status
    if status != 200:
        assert gateway.speech.heard == []


async def test_events_carry_no_wav(gateway: Gateway) -> None:
    assert (await ask(gateway, "format=wav", EVENTS)).status_code == 400


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"", 400), (b"hello", 415), (b"<html></html>", 415), (bytes(1000), 415), (b"RIFF\0\0\0\0WAVE", 400)],
)
async def test_bytes_that_are_no_recording_are_refused(gateway: Gateway, data: bytes, status: int) -> None:
    for headers in ({}, EVENTS):
        answer = await ask(gateway, "", headers, **recording(data))
        assert answer.status_code == status
        assert answer.json()["request_id"]
    assert gateway.speech.heard == []


MULTIPART = "multipart/form-data"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + SPEECH + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("type_", "body"),
    [
        (MULTIPART, PART),
        (f"{MULTIPART}; boundary=other", PART),
        (f"{MULTIPART}; boundary=b", b""),
        (f"{MULTIPART}; boundary=b", PART[:-8]),
        (f"{MULTIPART}; boundary=b", PART.replace(b'name="file"; ', b"")),
        (f"{MULTIPART}; boundary=b", PART.replace(b"--b--\r\n", b"") + PART),
        (f"{MULTIPART}; boundary=b", b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nhello\r\n--b--\r\n'),
        (f"{MULTIPART}; boundary=b", PART.replace(b'"file"', b'"other"')),
        (f"{MULTIPART}; boundary=" + "b" * 5000, PART),
        ("audio/wav", SPEECH),
        ("application/json", b"{}"),
        ("application/x-www-form-urlencoded", b"file=x"),
    ],
)
async def test_a_form_that_cannot_be_used_is_a_problem_answer(gateway: Gateway, type_: str, body: bytes) -> None:
    answer = await gateway.client.post(URL, content=body, headers={"Content-Type": type_})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


@pytest.mark.parametrize("type_", ["audio/wav; codecs=1", "video/webm", "application/octet-stream", "text/plain", ""])
async def test_the_declared_type_does_not_matter(gateway: Gateway, type_: str) -> None:
    assert (await ask(gateway, "", **recording(name="blob", type_=type_))).status_code == 200


async def test_a_recording_over_the_limit_is_refused_in_every_transfer(start_gateway: StartGateway) -> None:
    async with start_gateway(TALK_UPLOAD_BYTES="100000") as gateway:
        fits = SPEECH[:44] + SPEECH[44:] * 4
        assert (await ask(gateway, "", **recording(fits[:100_000]))).status_code == 200
        for size in (100_001, 170_000, 3_000_000):
            answer = await ask(gateway, "", **recording(fits[:44] + bytes(size - 44)))
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")

        async def chunks() -> Any:
            yield PART[:100]
            for _ in range(30):
                yield bytes(100_000)

        answer = await gateway.client.post(URL, content=chunks(), headers={"Content-Type": f"{MULTIPART}; boundary=b"})
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert (await ask(gateway)).status_code == 200


async def test_a_recording_that_is_too_long_is_refused_by_its_samples(start_gateway: StartGateway) -> None:
    async with start_gateway(TALK_RECORDING_SECONDS="1") as gateway:
        answer = await ask(gateway, "", **recording(speech_wav(1.5)))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


async def test_without_a_provider_the_answer_says_what_to_set(start_gateway: StartGateway) -> None:
    async with start_gateway(TALK_ASR_BASE_URL="") as gateway:
        answer = await ask(gateway)
        assert answer.status_code == 503
        assert "TALK_ASR_BASE_URL" in answer.json()["detail"]


async def test_an_agent_without_voice_says_so(start_gateway: StartGateway, tmp_path: Any) -> None:
    file = tmp_path / "mute.yaml"
    file.write_text(
        "apiVersion: talk.dwani.ai/v1alpha1\nkind: TalkAgent\nmetadata: {name: mute}\n"
        "spec: {instruction: Hi., description: Silent., voice: {enabled: false}}\n"
    )
    async with start_gateway(("mute",), TALK_AGENT_FILES=str(file)) as gateway:
        assert (await ask(gateway)).status_code == 400
        listed = orjson.loads((await gateway.client.get("/v1/agents")).content)["agents"][0]
        assert (listed["description"], listed["voice"]) == ("Silent.", False)
