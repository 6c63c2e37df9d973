"""The routes over HTTP, with engines that the test holds in its hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from talk_local.app import Deps, create_app
from talk_local.part import Part
from talk_local.settings import Settings
from tests.fakes.serving import serve
from tests.fakes.waiting import eventually
from tests.unit.talk_local.fake_engines import FakeListener, FakeModel, FakeSpeaker, fake_deps, missing
from tests.unit.talk_local.test_wav import data, header, riff, shorts

pytestmark = pytest.mark.loopback

WAV = riff(header(1, 1, 16_000, 16), data(shorts()))
TEXT = "The train to Paris is late today. The train to Rome is not. The train to Oslo was cancelled."
CHAT = {"model": "any", "messages": [{"role": "user", "content": "Hello"}], "stream": True}


@asynccontextmanager
async def serving(deps: Deps, settings: Settings | None = None) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serve(create_app(settings or Settings(), deps)) as url,
        httpx.AsyncClient(base_url=url, timeout=10) as client,
    ):
        await eventually(lambda: all(part.loaded for part in deps.parts if part.wanted and part.name != "broken"))
        yield client


def recording(body: bytes = WAV, **fields: str) -> dict[str, object]:
    return {"files": {"file": ("r.wav", body, "audio/wav")}, "data": {"model": "any", **fields}}


# Transcription


async def test_a_recording_is_transcribed_in_each_format() -> None:
    async with serving(fake_deps(FakeListener())) as client:
        answers = [
            await client.post("/v1/audio/transcriptions", **recording(response_format=name))  # type: ignore[arg-type]
            for name in ("json", "text", "verbose_json")
        ]
    assert answers[0].json() == {"text": "1600 samples heard."}
    assert answers[1].text == "1600 samples heard.\n"
    verbose = answers[2].json()
    assert verbose["duration"] == 0.1
    assert [segment["text"] for segment in verbose["segments"]] == ["1600 samples", "heard."]


@pytest.mark.parametrize("language", ["", "en", "en-US", "English", "auto"])
async def test_english_by_any_name_is_heard(language: str) -> None:
    async with serving(fake_deps(FakeListener())) as client:
        answer = await client.post("/v1/audio/transcriptions", **recording(language=language))  # type: ignore[arg-type]
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (recording(b"hello"), 415, "unsupported_media"),
        (recording(b""), 400, "invalid_request"),
        (recording(language="kn"), 400, "invalid_request"),
        (recording(response_format="srt"), 400, "invalid_request"),
        ({"data": {"model": "any"}, "files": {"other": ("a", b"b")}}, 400, "invalid_request"),
        ({"data": {"file": "text"}, "files": {"other": ("a", b"b")}}, 400, "invalid_request"),
        ({"files": [("file", ("a", WAV)), ("file", ("b", WAV))]}, 400, "invalid_request"),
        ({"json": {"file": "x"}}, 400, "invalid_request"),
        ({"content": b"--x--", "headers": {"Content-Type": "multipart/form-data; boundary=y"}}, 400, "invalid_request"),
        ({"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400, "invalid_request"),
    ],
)
async def test_a_bad_upload_is_an_error_in_openais_shape(request_: dict[str, object], status: int, code: str) -> None:
    async with serving(fake_deps(FakeListener())) as client:
        answer = await client.post("/v1/audio/transcriptions", **request_)  # type: ignore[arg-type]
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["type"] == "invalid_request_error"
    assert answer.json()["error"]["message"]


async def test_an_upload_over_the_limit_is_refused() -> None:
    async with serving(fake_deps(FakeListener())) as client:
        answer = await client.post("/v1/audio/transcriptions", **recording(bytes(26_300_000)))  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


async def test_a_recording_that_is_too_long_is_refused_unheard() -> None:
    listener = FakeListener()
    async with serving(fake_deps(listener), Settings(audio_seconds=0.05)) as client:
        answer = await client.post("/v1/audio/transcriptions", **recording())  # type: ignore[arg-type]
    assert answer.status_code == 400
    assert not listener.heard


async def test_a_full_queue_is_provider_busy_and_the_rest_is_served() -> None:
    listener = FakeListener()
    listener.release.clear()
    async with serving(fake_deps(listener), Settings(queue=2)) as client:

        async def post() -> httpx.Response:
            return await client.post("/v1/audio/transcriptions", **recording())  # type: ignore[arg-type]

        tasks = [asyncio.create_task(post()) for _ in range(3)]
        await eventually(lambda: len(listener.heard) == 1)
        refused = await _refused(post)
        listener.release.set()
        answers = await asyncio.gather(*tasks)
    assert refused.headers["retry-after"] == "1"
    assert refused.json()["error"] == {
        "message": refused.json()["error"]["message"],
        "type": "server_error",
        "param": None,
        "code": "provider_busy",
    }
    assert [answer.status_code for answer in answers] == [200] * 3


async def _refused(post: object) -> httpx.Response:
    """The first answer that is a refusal: the three before it may still be on their way into the queue."""
    answers: list[httpx.Response] = []

    async def tried() -> bool:
        try:
            answers.append(await asyncio.wait_for(post(), 0.5))  # type: ignore[operator]
        except TimeoutError:
            return False
        return answers[-1].status_code == 503

    await eventually(tried)
    return answers[-1]


# Speech


async def test_the_first_clause_leaves_before_the_second_is_made() -> None:
    speaker = FakeSpeaker()
    speaker.hold(1)
    async with (
        serving(fake_deps(speaker=speaker)) as client,
        client.stream("POST", "/v1/audio/speech", json={"input": TEXT, "response_format": "pcm"}) as answer,
    ):
        chunks = answer.aiter_bytes()
        first = await anext(chunks)
        assert first.startswith(b"The train to Paris")
        assert speaker.said == ["The train to Paris is late today."]
        speaker.permits.release(2)
        rest = b"".join([chunk async for chunk in chunks])
    assert rest.startswith(b"The train to Rome")
    assert len(speaker.said) == 3
    assert answer.headers["content-type"] == "audio/pcm;rate=24000;channels=1"


async def test_no_clause_is_made_for_a_client_that_has_left() -> None:
    speaker = FakeSpeaker()
    speaker.hold(1)
    async with serving(fake_deps(speaker=speaker)) as client:
        async with client.stream("POST", "/v1/audio/speech", json={"input": TEXT, "response_format": "pcm"}) as answer:
            await anext(answer.aiter_bytes())
        await eventually(lambda: not _tasks("request-work"))
        speaker.permits.release(10)
        # One that a thread has begun is finished; the third is never begun.
        other = await client.post("/v1/audio/speech", json={"input": "Another.", "response_format": "pcm"})
    assert other.status_code == 200
    assert not any("Oslo" in text for text in speaker.said)


def _tasks(name: str) -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == name]


async def test_each_container_has_its_type() -> None:
    async with serving(fake_deps(speaker=FakeSpeaker())) as client:
        answers = {
            name: await client.post("/v1/audio/speech", json={"input": TEXT, "response_format": name})
            for name in ("pcm", "wav", "mp3")
        }
        default = await client.post("/v1/audio/speech", json={"input": TEXT})
    assert answers["wav"].content.count(b"RIFF") == 1
    assert answers["wav"].content[44:] == answers["pcm"].content
    assert answers["wav"].headers["content-type"] == "audio/wav"
    assert answers["mp3"].headers["content-type"] == default.headers["content-type"] == "audio/mpeg"
    assert len(answers["pcm"].content) % 2 == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"input": ""},
        {"input": 5},
        {"input": "???"},
        {"input": "x" * 4097},
        {"input": "hi", "speed": 0.1},
        {"input": "hi", "speed": "fast"},
        {"input": "hi", "speed": True},
        {"input": "hi", "response_format": "opus"},
        {"input": "hi", "stream_format": "sse"},
    ],
)
async def test_what_cannot_be_said_is_an_error_in_openais_shape(body: dict[str, object]) -> None:
    async with serving(fake_deps(speaker=FakeSpeaker())) as client:
        answer = await client.post("/v1/audio/speech", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "invalid_request"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused_on_each_route(content: bytes) -> None:
    async with FakeModel().serving() as model, serving(fake_deps(speaker=FakeSpeaker(), model=model)) as client:
        for route in ("/v1/audio/speech", "/v1/chat/completions"):
            answer = await client.post(route, content=content)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_request")


# Chat


async def test_a_reply_is_passed_through_byte_for_byte() -> None:
    async with FakeModel().serving() as model, serving(fake_deps(model=model)) as client:
        answer = await client.post("/v1/chat/completions", json=CHAT, headers={"X-Request-ID": "abc"})
    assert answer.content == b"".join(model.chunks)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert json.loads(model.bodies[0]) == CHAT
    assert model.headers[0]["x-request-id"] == answer.headers["x-request-id"] == "abc"
    assert "traceparent" in model.headers[0]


async def test_the_models_own_refusals_are_passed_through_too() -> None:
    async with FakeModel().serving() as model, serving(fake_deps(model=model)) as client:
        model.status = 400
        answer = await client.post("/v1/chat/completions", json=CHAT)
    assert answer.status_code == 400
    assert answer.content == b"".join(model.chunks)


@pytest.mark.parametrize("chunks", [0, 1])
async def test_a_client_that_goes_away_closes_the_reply_at_once(chunks: int) -> None:
    async with FakeModel().serving() as model, serving(fake_deps(model=model)) as client:
        model.next = asyncio.Semaphore(chunks)
        request = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
        await eventually(lambda: bool(model.bodies) and model.next.locked())
        request.cancel()
        await asyncio.wait_for(model.closed_early.wait(), 1)
        await asyncio.gather(request, return_exceptions=True)
        await eventually(lambda: not _tasks("request-work"))


async def test_more_chats_than_may_wait_are_provider_busy() -> None:
    async with (
        FakeModel().serving() as model,
        serving(fake_deps(model=model), Settings(queue=0, llm_slots=1)) as client,
    ):
        model.next = asyncio.Semaphore(0)
        running = asyncio.create_task(client.post("/v1/chat/completions", json=CHAT))
        await eventually(lambda: bool(model.bodies))
        refused = await client.post("/v1/chat/completions", json=CHAT)
        for _ in model.chunks:
            model.next.release()
        assert (await running).status_code == 200
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "provider_busy")


async def test_a_model_server_that_is_gone_is_said() -> None:
    model = FakeModel()
    async with serving(fake_deps(model=model)) as client:
        answer = await client.post("/v1/chat/completions", json=CHAT)
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "provider_unreachable")


# Parts


async def test_models_lists_what_is_loaded_and_says_that_one_is_a_demonstration() -> None:
    async with serving(fake_deps(FakeListener(), FakeSpeaker(), FakeModel())) as client:
        listed = (await client.get("/v1/models")).json()
    assert [model["id"] for model in listed["data"]] == ["fake-ears", "fake-voice", "fake-model"]
    assert "demonstration" in listed["data"][2]["description"]


async def test_ready_names_each_part_and_what_a_missing_one_needs() -> None:
    deps = fake_deps(speaker=FakeSpeaker())
    deps = Deps(asr=Part("asr", "Speech recognition", missing), tts=deps.tts, llm=deps.llm)
    async with serve(create_app(Settings(), deps)) as url, httpx.AsyncClient(base_url=url) as client:

        async def settled() -> bool:
            checks = (await client.get("/ready")).json()["checks"]
            return [check["ok"] for check in checks] == [False, True] and "missing" in checks[0]["message"]

        await eventually(settled)
        ready = await client.get("/ready")
        spoken = await client.post("/v1/audio/speech", json={"input": "Hello."})
        heard = await client.post("/v1/audio/transcriptions", **recording())  # type: ignore[arg-type]
        chat = await client.post("/v1/chat/completions", json=CHAT)
        live = await client.get("/healthz")
    assert ready.status_code == 503
    assert [check["name"] for check in ready.json()["checks"]] == ["asr", "tts"]
    assert spoken.status_code == live.status_code == 200
    assert heard.status_code == 503
    assert "Install it" in heard.json()["error"]["message"]
    assert (chat.status_code, chat.json()["error"]["code"]) == (404, "not_found")


async def test_engines_are_closed_at_the_end() -> None:
    speaker = FakeSpeaker()
    async with serving(fake_deps(speaker=speaker)):
        assert not speaker.closed
    assert speaker.closed


async def test_unknown_paths_and_methods_are_errors_in_openais_shape() -> None:
    async with serving(fake_deps(speaker=FakeSpeaker())) as client:
        unknown, wrong = await client.get("/nothing"), await client.get("/v1/audio/speech")
        metrics = await client.get("/metrics")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "not_found")
    assert wrong.status_code == 405
    assert wrong.headers["allow"] == "POST"
    assert 'talk_local_http_requests_total{method="GET"' in metrics.text
