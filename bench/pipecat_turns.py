"""The same turns through Pipecat, in its own environment (`peers`). Prints one line of JSON (`figures.Turns`).

A session is a pipeline of OpenAI's ASR, LLM and TTS services. A turn begins when the speaker's end is told to the
pipeline, the recording having been fed before, as its own transport would have done; voice detection is not waited for.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Any

from loguru import logger  # type: ignore[import-not-found]
from pipecat.frames.frames import (  # type: ignore[import-not-found]
    InputAudioRawFrame,
    LLMContextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline  # type: ignore[import-not-found]
from pipecat.pipeline.worker import PipelineParams, PipelineWorker  # type: ignore[import-not-found]
from pipecat.processors.aggregators.llm_context import LLMContext  # type: ignore[import-not-found]
from pipecat.processors.frame_processor import FrameProcessor  # type: ignore[import-not-found]
from pipecat.services.openai.llm import OpenAILLMService  # type: ignore[import-not-found]
from pipecat.services.openai.stt import OpenAISTTService  # type: ignore[import-not-found]
from pipecat.services.openai.tts import OpenAITTSService  # type: ignore[import-not-found]
from pipecat.workers.runner import WorkerRunner  # type: ignore[import-not-found]

from bench.figures import Turns
from bench.peer_options import Meter, Options, parse
from bench.scenario import LEAST_REPLY_BYTES, SPEECH_RATE, TURN_SECONDS

_FRAME_BYTES = 3200
_SETTLE_SECONDS = 0.5
"""Between two turns, and for the recording to pass through: not part of any figure."""
_PARAMETERS = PipelineParams(audio_in_sample_rate=16_000, audio_out_sample_rate=SPEECH_RATE, enable_metrics=False)


class _Context(FrameProcessor):  # type: ignore[misc]
    """From a transcript to a call of the LLM."""

    def __init__(self) -> None:
        super().__init__()
        self._context = LLMContext()

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame):
            self._context.add_message({"role": "user", "content": frame.text})
            await self.push_frame(LLMContextFrame(context=self._context))
        elif not isinstance(frame, InputAudioRawFrame):
            await self.push_frame(frame, direction)


class _Speaker(FrameProcessor):  # type: ignore[misc]
    """The end of the pipeline: when sound comes, and how much."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = asyncio.Event()
        self.begin()

    def begin(self) -> None:
        self.ended.clear()
        self.first_at: float | None = None
        self.received = 0

    async def process_frame(self, frame: Any, direction: Any) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            self.first_at = self.first_at or time.perf_counter()
            self.received += len(frame.audio)
            if self.received >= LEAST_REPLY_BYTES:
                self.ended.set()
        await self.push_frame(frame, direction)


class _Session:
    """One pipeline, running."""

    def __init__(self, options: Options) -> None:
        self._pcm = options.pcm
        self._speaker = _Speaker()
        access = {"api_key": "none", "base_url": options.base_url}
        hears = OpenAISTTService(**access, trailing_silence_secs=0)
        thinks = OpenAILLMService(**access, settings=OpenAILLMService.Settings(system_instruction="Be brief."))
        stages = [hears, _Context(), thinks, OpenAITTSService(**access), self._speaker]
        self._worker = PipelineWorker(Pipeline(stages), params=_PARAMETERS, idle_timeout_secs=None)
        self._runner = WorkerRunner(handle_sigint=False)

    async def start(self) -> None:
        started = asyncio.Event()

        @self._worker.event_handler("on_pipeline_started")  # type: ignore[untyped-decorator]
        async def on_pipeline_started(_worker: Any, _frame: Any) -> None:
            started.set()

        await self._runner.add_workers(self._worker)
        self._running = asyncio.create_task(self._runner.run(), name="pipecat")
        await asyncio.wait_for(started.wait(), TURN_SECONDS)

    async def turn(self, seen: Turns) -> None:
        self._speaker.begin()
        await self._worker.queue_frames([VADUserStartedSpeakingFrame(start_secs=0)])
        for at in range(0, len(self._pcm), _FRAME_BYTES):
            audio = self._pcm[at : at + _FRAME_BYTES]
            await self._worker.queue_frame(InputAudioRawFrame(audio=audio, sample_rate=16_000, num_channels=1))
        await asyncio.sleep(_SETTLE_SECONDS)
        begun = time.perf_counter()
        await self._worker.queue_frame(VADUserStoppedSpeakingFrame(stop_secs=0))
        try:
            await asyncio.wait_for(self._speaker.ended.wait(), TURN_SECONDS)
        except TimeoutError:
            seen.errors.append(f"no end in time after {self._speaker.received} bytes of sound")
            return
        first_at = self._speaker.first_at
        total = time.perf_counter() - begun
        seen.took(first_at and first_at - begun, total, self._speaker.received, LEAST_REPLY_BYTES)
        await asyncio.sleep(_SETTLE_SECONDS)

    async def turns(self, count: int, seen: Turns) -> None:
        for _ in range(count):
            await self.turn(seen)


async def _load(options: Options) -> None:
    sessions = [_Session(options) for _ in range(options.sessions)]
    await asyncio.gather(*(session.start() for session in sessions))
    await sessions[0].turn(Turns())
    seen, meter = Turns(), Meter()
    await asyncio.gather(*(session.turns(options.turns, seen) for session in sessions))
    print(meter.finish(seen), flush=True)
    os._exit(0)  # closing the pipelines takes its time, and is no part of the figures


if __name__ == "__main__":
    logger.remove()
    asyncio.run(_load(parse(__doc__)))
