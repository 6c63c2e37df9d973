"""A gateway that is told to stop: a real process, real signals, and clients that are in the middle of something."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from talk_kit.events import ReplyDelta, TurnCompleted, TurnEvent, TurnFailed
from talk_kit.sse import read_turn
from tests.fakes.agent import FakeAgent
from tests.fakes.processes import Room, room
from tests.fakes.serving import serve_all
from tests.fakes.speech import speech_wav
from tests.fakes.speech_providers import BYTES_PER_CHARACTER, FakeSpeech
from tests.fakes.waiting import eventually

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(180)]
SPEECH = speech_wav(1.0)
VOICE_TURNS = 50


@dataclass
class Talk:
    gateway: Room
    agent: FakeAgent
    speech: FakeSpeech
    client: httpx.AsyncClient

    async def drains(self) -> bool:
        return (await self.client.get("/ready")).status_code == 503

    async def says(self, text: str = "Hello") -> httpx.Response:
        return await self.client.post("/v1/chat", json={"text": text})

    async def events(self) -> list[TurnEvent]:
        async with self.client.stream("POST", "/v1/chat", json={"text": "Hello", "stream": True}) as answer:
            return [event async for event in read_turn(answer.aiter_bytes())]

    async def sound(self) -> httpx.Response:
        return await self.client.post("/v1/speech_to_speech?format=pcm", files={"file": ("a.wav", SPEECH)})


@asynccontextmanager
async def talk(*, delay: float = 0.0, drain: float = 30.0) -> AsyncIterator[Talk]:
    agent, speech = FakeAgent(), FakeSpeech()
    async with AsyncExitStack() as stack:
        agent_url, speech_url = await stack.enter_async_context(serve_all(agent.app(), speech.app()))
        gateway = await stack.enter_async_context(
            room(
                "talk_gateway",
                TALK_AGENTS=f"assistant={agent_url}",
                TALK_ASR_BASE_URL=f"{speech_url}/v1",
                TALK_TTS_BASE_URL=f"{speech_url}/v1",
                TALK_ENDPOINT_DELAY_SECONDS=str(delay),
                TALK_DRAIN_SECONDS=str(drain),
            )
        )
        limits = httpx.Limits(max_connections=200)
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=gateway.url, timeout=60, limits=limits))
        yield Talk(gateway, agent, speech, client)


async def test_turns_under_way_finish_and_those_of_the_delay_are_taken() -> None:
    gate = asyncio.Event()
    async with talk(delay=3.0) as running:
        assert (await running.says()).status_code == 200  # a connection that is kept
        running.agent.script = ["So far ", gate, "so good."]
        running.agent.begun.clear()
        text = asyncio.create_task(running.events())
        await running.agent.begun.wait()
        running.speech.gate = asyncio.Event()
        running.agent.script = ["A whole answer."]
        voice = asyncio.create_task(running.sound())
        await eventually(lambda: running.speech.running == 1, 30)

        running.gateway.terminate()
        await eventually(running.drains, 30)
        begun = time.monotonic()
        late = 0
        while time.monotonic() - begun < 2.0:  # of the delay's three seconds
            answer = await running.says("On its way")
            assert (answer.status_code, answer.headers["connection"]) == (200, "close")
            late += 1
        gate.set()
        running.speech.gate.set()
        events, sound = await asyncio.gather(text, voice)
        code = await running.gateway.ended()

    assert late
    assert isinstance(events[-1], TurnCompleted)
    assert events[-1].reply == "So far so good."
    assert len(sound.content) == BYTES_PER_CHARACTER * len("A whole answer.")
    assert code in (0, -15), running.gateway.printed()


async def test_fifty_voice_turns_finish_their_sound_while_new_ones_are_sent_elsewhere() -> None:
    async with talk() as running:
        running.speech.gate = asyncio.Event()
        turns = [asyncio.create_task(running.sound()) for _ in range(VOICE_TURNS)]
        await eventually(lambda: running.speech.running >= VOICE_TURNS, 60)

        running.gateway.terminate()
        await eventually(lambda: "draining" in running.gateway.printed(), 30)
        refused = await running.says()
        running.speech.gate.set()
        answers = await asyncio.gather(*turns)
        await running.gateway.ended()

    assert (refused.status_code, refused.json()["code"], refused.json()["retryable"]) == (503, "draining", True)
    assert (refused.headers["retry-after"], refused.headers["connection"]) == ("1", "close")
    assert {answer.status_code for answer in answers} == {200}
    assert {len(answer.content) for answer in answers} == {BYTES_PER_CHARACTER * len("Hello.I am well.")}


async def test_what_cannot_finish_is_told_so() -> None:
    async with talk(drain=1.0) as running:
        running.agent.script = ["So far ", asyncio.Event()]
        answer = asyncio.create_task(running.says())
        text = asyncio.create_task(running.events())
        await eventually(lambda: len(running.agent.asked) == 2, 30)
        running.speech.asr_stall = asyncio.Event()
        unheard = asyncio.create_task(running.sound())
        await running.speech.asr_asked.wait()
        events: list[TurnEvent] = []
        async with running.client.stream("POST", "/v1/chat", json={"text": "Hello", "stream": True}) as stream:
            async for event in read_turn(stream.aiter_bytes()):
                events.append(event)
                if isinstance(event, ReplyDelta):
                    running.gateway.terminate()
        others = await text
        refused = await asyncio.gather(answer, unheard)
        await running.gateway.ended()
        await asyncio.wait_for(running.agent.closed_early.wait(), 10)

    for ending in (events[-1], others[-1]):
        assert isinstance(ending, TurnFailed)
        assert (ending.code, ending.retryable) == ("draining", True)
    assert [(each.status_code, each.json()["code"]) for each in refused] == [(503, "draining")] * 2


async def test_a_second_signal_ends_at_once() -> None:
    async with talk(delay=60.0, drain=60.0) as running:
        running.agent.script = ["So far ", asyncio.Event()]
        turn = asyncio.create_task(running.events())
        await eventually(lambda: running.agent.begun.is_set() or turn.done(), 30)
        running.gateway.terminate()
        await eventually(running.drains, 30)
        running.gateway.terminate()
        await running.gateway.ended(20)
        with pytest.raises(httpx.RemoteProtocolError):
            await turn
