"""Speech synthesis over an OpenAI-compatible endpoint, streamed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from talk_gateway import metrics
from talk_gateway.audio.speech_body import PcmReader
from talk_gateway.providers.endpoint import Endpoint
from talk_kit.http_client import HttpPool


@dataclass(frozen=True, slots=True)
class Synthesizer:
    """`synthesize` speaks one sentence. `timeout` bounds each wait for sound, in seconds."""

    pool: HttpPool
    endpoint: Endpoint
    voice: str
    timeout: float

    async def synthesize(
        self, text: str, *, model: str | None = None, voice: str | None = None
    ) -> AsyncGenerator[bytes, None]:
        """The sentence's sound as it comes: s16le, mono, 24 kHz, whole samples. NoAudio where none came."""
        body = {
            "model": model or self.endpoint.model,
            "voice": voice or self.voice,
            "input": text,
            "response_format": "pcm",
        }
        with metrics.ProviderCall("tts") as call:
            async with aclosing(self._stream(body)) as sound:
                async for pcm in sound:
                    call.answered()
                    yield pcm

    async def _stream(self, body: dict[str, str]) -> AsyncGenerator[bytes, None]:
        async with self.pool.stream(
            "POST",
            self.endpoint.url("/audio/speech"),
            target=self.endpoint.name,
            headers=self.endpoint.headers(),
            json=body,
            idle=self.timeout,
        ) as response:
            self.endpoint.check(response)
            reader = PcmReader(response.headers.get("content-type", ""))
            async for chunk in response.aiter_bytes():
                if pcm := reader.feed(chunk):
                    yield pcm
            if pcm := reader.finish():
                yield pcm
