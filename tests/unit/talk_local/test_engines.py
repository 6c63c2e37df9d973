"""The real models: what is said is heard, side by side, in order, and the same on every run."""

from __future__ import annotations

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from talk_local import models, wav
from talk_local.app import Deps, create_app
from talk_local.asr import Moonshine
from talk_local.encoding import Wav
from talk_local.llm import LlmOptions, LocalModel
from talk_local.part import Part
from talk_local.settings import Settings
from talk_local.speech.clauses import Part as Clause
from talk_local.speech.speaker import LocalSpeaker
from tests.fakes.serving import serve
from tests.fakes.waiting import eventually
from tests.fakes.words import word_error_rate

pytestmark = [pytest.mark.laptop, pytest.mark.timeout(300)]

SENTENCES = [
    "What time do you open on Monday?",
    "The function of red blood cells is to carry oxygen.",
    "Please tell me your full name and your date of birth.",
    "It is stored in the nucleus of the cell.",
    "I would like to plan a trip to Paris in the spring.",
    "Could you repeat the question more slowly, please?",
    "The weather will be cloudy with a little rain in the evening.",
    "How do I get from the station to the museum?",
    "Photosynthesis turns light, water and carbon dioxide into sugar.",
    "Thank you very much, that was a great help.",
]


class Shared:
    """An engine that outlives the apps of single tests."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def close(self) -> None:
        """Not yet."""


class CountingSpeaker(Shared):
    """Knows what was asked of the voice."""

    def __init__(self, engine: LocalSpeaker) -> None:
        super().__init__(engine)
        self.begun: list[str] = []

    def say(self, part: Clause, speed: float) -> bytes:
        self.begun.append(part.text)
        said: bytes = self._engine.say(part, speed)
        return said


@pytest.fixture(scope="module")
def speaker() -> LocalSpeaker:
    return LocalSpeaker(models.tts_voice(""), threads=2)


@pytest.fixture(scope="module")
def listener() -> Iterator[Moonshine]:
    moonshine = Moonshine(models.asr_model(""))
    yield moonshine
    moonshine.close()


@pytest.fixture(scope="module")
def sounds(speaker: LocalSpeaker) -> list[bytes]:
    """The sentences as WAV files."""
    return [Wav().encode(b"".join(speaker.say(part, 1.0) for part in speaker.parts(text))) for text in SENTENCES]


@pytest.fixture(scope="module")
def heard_alone(listener: Moonshine, sounds: list[bytes]) -> list[str]:
    """What is heard of each sentence when nothing else runs."""
    return [" ".join(segment.text for segment in listener.transcribe(wav.read(sound))) for sound in sounds]


@pytest.fixture(scope="module")
def model() -> Iterator[LocalModel]:
    options = LlmOptions(context=1024, slots=2, threads=1, prompt_threads=1, tokens=64)
    started = LocalModel(models.llm_gguf(""), options, demonstration=True)
    yield started
    started.close()


@asynccontextmanager
async def serving(*, asr: Any = None, tts: Any = None, llm: Any = None) -> AsyncIterator[httpx.AsyncClient]:
    def part(name: str, engine: Any) -> Part[Any]:
        return Part(name, name, (lambda: engine) if engine else None)

    deps = Deps(asr=part("asr", asr), tts=part("tts", tts), llm=part("llm", llm))
    async with serve(create_app(Settings(), deps)) as url, httpx.AsyncClient(base_url=url, timeout=120) as client:
        await eventually(lambda: all(each.loaded for each in deps.parts if each.wanted))
        yield client


async def say(client: httpx.AsyncClient, text: str, response_format: str = "wav") -> bytes:
    answer = await client.post("/v1/audio/speech", json={"input": text, "response_format": response_format})
    assert answer.status_code == 200, answer.text
    return answer.content


async def hear(client: httpx.AsyncClient, sound: bytes) -> str:
    answer = await client.post("/v1/audio/transcriptions", files={"file": ("a.wav", sound)})
    assert answer.status_code == 200, answer.text
    text: str = answer.json()["text"]
    return text


def test_ten_sentences_are_heard_as_they_were_said(heard_alone: list[str]) -> None:
    assert word_error_rate(SENTENCES, heard_alone) <= 0.10, heard_alone


async def test_eight_transcriptions_at_once_are_those_of_one_at_a_time(
    listener: Moonshine, sounds: list[bytes], heard_alone: list[str]
) -> None:
    async with serving(asr=Shared(listener)) as client:
        together = await asyncio.gather(*(hear(client, sound) for sound in sounds[:8]))
    assert together == heard_alone[:8]


async def test_silence_is_heard_as_nothing(listener: Moonshine) -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(bytes(64_000))
    async with serving(asr=Shared(listener)) as client:
        assert await hear(client, out.getvalue()) == ""


async def test_the_same_text_sounds_the_same_on_every_run(speaker: LocalSpeaker) -> None:
    async with serving(tts=Shared(speaker)) as client:
        first, *others = await asyncio.gather(*(say(client, SENTENCES[0], "pcm") for _ in range(4)))
    assert all(other == first for other in others)
    again = LocalSpeaker(models.tts_voice(""), threads=1)
    assert b"".join(again.say(part, 1.0) for part in again.parts(SENTENCES[0])) == first


async def test_speed_changes_the_length(speaker: LocalSpeaker) -> None:
    part = speaker.parts("It is stored in the nucleus.")[0]
    assert len(speaker.say(part, 2.0)) < 0.7 * len(speaker.say(part, 1.0)) < len(speaker.say(part, 0.5))


async def test_sound_arrives_before_the_last_clause_is_begun(speaker: LocalSpeaker) -> None:
    counting = CountingSpeaker(speaker)
    async with (
        serving(tts=counting) as client,
        client.stream(
            "POST", "/v1/audio/speech", json={"input": " ".join(SENTENCES * 4), "response_format": "pcm"}
        ) as answer,
    ):
        assert await anext(answer.aiter_bytes())
        assert len(counting.begun) < len(SENTENCES) * 4


async def test_names_figures_and_signs_are_understood(listener: Moonshine, speaker: LocalSpeaker) -> None:
    text = "Dr. Smith paid $29.99 on Jan 3, 2024 at 10:30 a.m. for 2.5 kg of apples."
    async with serving(asr=Shared(listener), tts=Shared(speaker)) as client:
        heard = (await hear(client, await say(client, text))).lower()
    for word in ("smith", "january", "apples", "kilo"):
        assert word in heard


CHAT = {"messages": [{"role": "user", "content": "How do plants make food?"}], "max_tokens": 16}
TOOL = {
    "type": "function",
    "function": {
        "name": "local_guide",
        "description": "Asks the guide.",
        "parameters": {"type": "object", "properties": {"request": {"type": "string"}}},
    },
}


async def test_the_model_answers_whole_and_in_a_stream(model: LocalModel) -> None:
    async with serving(llm=Shared(model)) as client:
        whole = await client.post("/v1/chat/completions", json=CHAT)
        stream = await client.post("/v1/chat/completions", json={**CHAT, "stream": True})
    assert whole.json()["model"] == "smollm2-135m-instruct"
    assert whole.json()["choices"][0]["message"]["content"].strip()
    assert stream.text.count("data: {") > 3
    assert stream.text.rstrip().endswith("data: [DONE]")


async def test_a_request_with_tools_and_a_tools_answer_is_answered_with_text(model: LocalModel) -> None:
    call = {"id": "c1", "type": "function", "function": {"name": "local_guide", "arguments": '{"request": "tips"}'}}
    history = [
        *CHAT["messages"],  # type: ignore[misc]
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "Plants use light."},
    ]
    async with serving(llm=Shared(model)) as client:
        for messages in (CHAT["messages"], history):
            body = {**CHAT, "messages": messages, "tools": [TOOL], "tool_choice": "auto"}
            message = (await client.post("/v1/chat/completions", json=body)).json()["choices"][0]["message"]
            assert message["content"].strip()
            assert not message.get("tool_calls")


async def test_a_reply_that_nobody_reads_any_more_frees_its_slot(model: LocalModel) -> None:
    endless = {**CHAT, "max_tokens": 900, "ignore_eos": True, "stream": True}
    async with serving(llm=Shared(model)) as client:
        for _ in range(4):  # twice the slots: the last would wait for minutes if the first still ran
            async with client.stream("POST", "/v1/chat/completions", json=endless) as answer:
                await anext(answer.aiter_bytes())
        answer = await client.post("/v1/chat/completions", json={**CHAT, "max_tokens": 4})
    assert answer.status_code == 200


async def test_a_prompt_over_the_context_is_refused(model: LocalModel) -> None:
    long = {"messages": [{"role": "user", "content": "word " * 2000}]}
    async with serving(llm=Shared(model)) as client:
        answer = await client.post("/v1/chat/completions", json=long)
    assert answer.status_code == 400
