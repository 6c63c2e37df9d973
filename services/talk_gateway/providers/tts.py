"""Speech synthesis over an OpenAI-compatible endpoint, streamed."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from talk_gateway import metrics
from talk_gateway.audio.speech_body import PcmReader
from talk_gateway.providers.endpoint import Endpoint
from talk_kit import deadline
from talk_kit.errors import ProviderFailed
from talk_kit.http_client import HttpPool

# 5.8 minutes of sound. A sentence has at most 400 characters, which nobody speaks for longer than one.
LARGEST_SENTENCE = 16 << 20


@dataclass(frozen=True, slots=True)
class Synthesizer:
    """One provider: `synthesize` speaks one sentence. `voice` is the provider's own, where none is asked for."""

    pool: HttpPool
    endpoint: Endpoint
    voice: str

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
        async with aclosing(self.endpoint.guard.stream(lambda: self._bounded(body))) as sound:
            async for pcm in sound:
                yield pcm

    async def _bounded(self, body: dict[str, str]) -> AsyncGenerator[bytes, None]:
        waits, name = self.endpoint.waits, self.endpoint.name
        with metrics.ProviderCall("tts") as call:
            sound = deadline.paced(self._ask(body), first=waits.first, total=waits.total, target=name)
            async with aclosing(sound):
                async for pcm in sound:
                    call.answered()
                    yield pcm

    async def _ask(self, body: dict[str, str]) -> AsyncGenerator[bytes, None]:
        size = 0
        async with self.pool.stream(
            "POST",
            self.endpoint.url("/audio/speech"),
            target=self.endpoint.name,
            headers=self.endpoint.headers(),
            json=body,
            connect=self.endpoint.waits.connect,
            idle=self.endpoint.waits.idle,
        ) as response:
            self.endpoint.check(response)
            reader = PcmReader(response.headers.get("content-type", ""))
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > LARGEST_SENTENCE:
                    raise ProviderFailed(f"{self.endpoint.name} sent more sound than any sentence has.")
                if pcm := reader.feed(chunk):
                    yield pcm
            if pcm := reader.finish():
                yield pcm
