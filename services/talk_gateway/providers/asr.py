"""Speech recognition over an OpenAI-compatible endpoint."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx
import orjson

from talk_gateway import metrics
from talk_gateway.languages import primary_subtag
from talk_gateway.providers.endpoint import Endpoint
from talk_kit.errors import DeadlineExceeded, NoSpeech, ProviderFailed
from talk_kit.http_client import HttpPool


@dataclass(frozen=True, slots=True)
class Transcriber:
    """`transcribe` turns a recording into text, within `timeout` seconds."""

    pool: HttpPool
    endpoint: Endpoint
    timeout: float

    async def transcribe(self, wav: bytes, *, language: str | None = None, model: str | None = None) -> str:
        """What was said in a 16 kHz mono WAV. NoSpeech where the provider heard nothing."""
        with metrics.ProviderCall("asr") as call:
            try:
                async with asyncio.timeout(self.timeout):
                    text = await self._ask(wav, language, model)
            except TimeoutError as error:
                raise DeadlineExceeded(f"{self.endpoint.name} did not answer within {self.timeout:g} s.") from error
            call.answered()
        if not any(character.isalnum() for character in text):
            raise NoSpeech("No speech was heard. Speak closer to the microphone and try again.")
        return text

    async def _ask(self, wav: bytes, language: str | None, model: str | None) -> str:
        form = {"model": model or self.endpoint.model, "response_format": "json"}
        if subtag := primary_subtag(language):
            form["language"] = subtag
        response = await self.pool.request(
            "POST",
            self.endpoint.url("/audio/transcriptions"),
            target=self.endpoint.name,
            headers=self.endpoint.headers(),
            data=form,
            files={"file": ("speech.wav", wav, "audio/wav")},
            idle=self.timeout,
        )
        self.endpoint.check(response)
        return self._text(response)

    def _text(self, response: httpx.Response) -> str:
        try:
            text = orjson.loads(response.content)["text"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ProviderFailed(f"{self.endpoint.name} sent an answer that cannot be read.") from error
        if not isinstance(text, str):
            raise ProviderFailed(f"{self.endpoint.name} sent an answer without text.")
        return text.strip()
