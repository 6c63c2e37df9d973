"""The same turns through LiveKit Agents, in its own environment (`peers`). Prints one line of JSON (`figures.Turns`).

A session is an AgentSession with OpenAI's plugins and no room: sound goes to an output that counts it. A turn begins
with the recognition of the complete recording; voice and turn detection are not waited for.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from typing import Any

from livekit import rtc  # type: ignore[import-not-found]
from livekit.agents import Agent, AgentSession  # type: ignore[import-not-found]
from livekit.agents.utils import http_context  # type: ignore[import-not-found]
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities  # type: ignore[import-not-found]
from livekit.plugins import openai  # type: ignore[import-not-found]

from bench.figures import Turns
from bench.peer_options import Meter, Options, parse
from bench.scenario import LEAST_REPLY_BYTES, SAMPLE_BYTES, SPEECH_RATE, TURN_SECONDS

_SETTLE_SECONDS = 0.1
_PLAYED_SECONDS = 20.0


class _Speaker(AudioOutput):  # type: ignore[misc]
    """When sound comes, and how much; it is played as soon as it is there."""

    def __init__(self) -> None:
        capabilities = AudioOutputCapabilities(pause=False)
        super().__init__(label="bench", capabilities=capabilities, sample_rate=SPEECH_RATE)
        self.ended = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        self.ended.clear()
        self.first_at: float | None = None
        self._seconds = 0.0

    @property
    def received(self) -> int:
        return int(self._seconds * SPEECH_RATE) * SAMPLE_BYTES

    async def capture_frame(self, frame: Any) -> None:
        await super().capture_frame(frame)
        if self.first_at is None:
            self.first_at = time.perf_counter()
            self.on_playback_started(created_at=time.time())
        self._seconds += frame.duration
        if self.received >= LEAST_REPLY_BYTES:
            self.ended.set()

    def flush(self) -> None:
        super().flush()
        self.on_playback_finished(playback_position=self._seconds, interrupted=False)

    def clear_buffer(self) -> None:
        """Nothing is held."""


class _Session:
    """One AgentSession, running."""

    def __init__(self, options: Options) -> None:
        access = {"base_url": options.base_url, "api_key": "none"}
        self._hears = openai.STT(**access, model="whisper-1")
        self._session = AgentSession(
            llm=openai.LLM(**access, model="fake"),
            tts=openai.TTS(**access, model="tts-1", response_format="pcm"),
            turn_handling={"turn_detection": "manual"},
        )
        self._speaker = _Speaker()
        self._session.output.audio = self._speaker
        samples = len(options.pcm) // SAMPLE_BYTES
        self._said = rtc.AudioFrame(data=options.pcm, sample_rate=16_000, num_channels=1, samples_per_channel=samples)

    async def start(self) -> None:
        await self._session.start(Agent(instructions="Be brief."), record=False)

    async def turn(self, seen: Turns) -> None:
        self._speaker.begin()
        begun = time.perf_counter()
        heard = await self._hears.recognize([self._said])
        speech = self._session.generate_reply(user_input=heard.alternatives[0].text)
        try:
            await asyncio.wait_for(self._speaker.ended.wait(), TURN_SECONDS)
        except TimeoutError:
            seen.errors.append(f"no end in time after {self._speaker.received} bytes of sound")
            return
        first_at = self._speaker.first_at
        total = time.perf_counter() - begun
        seen.took(first_at and first_at - begun, total, self._speaker.received, LEAST_REPLY_BYTES)
        await asyncio.wait_for(speech.wait_for_playout(), _PLAYED_SECONDS)
        await asyncio.sleep(_SETTLE_SECONDS)

    async def turns(self, count: int, seen: Turns) -> None:
        for _ in range(count):
            await self.turn(seen)


async def _load(options: Options) -> None:
    async with http_context.open():
        sessions = [_Session(options) for _ in range(options.sessions)]
        await asyncio.gather(*(session.start() for session in sessions))
        await sessions[0].turn(Turns())
        seen, meter = Turns(), Meter()
        await asyncio.gather(*(session.turns(options.turns, seen) for session in sessions))
        print(meter.finish(seen), flush=True)
        os._exit(0)  # closing the sessions takes its time, and is no part of the figures


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    asyncio.run(_load(parse(__doc__)))
