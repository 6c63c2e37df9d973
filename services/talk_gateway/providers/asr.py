"""Speech recognition over an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import httpx
import orjson

from talk_gateway import metrics
from talk_gateway.languages import primary_subtag
from talk_gateway.providers.endpoint import Endpoint, asks_next_provider
from talk_kit import deadline
from talk_kit.errors import NoSpeech, ProviderFailed, TalkError
from talk_kit.http_client import HttpPool
from talk_kit.logs import get_logger

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Transcriber:
    """One provider: `transcribe` turns a recording into text."""

    pool: HttpPool
    endpoint: Endpoint

    async def transcribe(self, wav: bytes, *, language: str | None = None, model: str | None = None) -> str:
        """What was said in a 16 kHz mono WAV. NoSpeech where the provider heard nothing."""
        form = {"model": model or self.endpoint.model, "response_format": "json"}
        if subtag := primary_subtag(language):
            form["language"] = subtag
        async with aclosing(self.endpoint.guard.stream(lambda: self._bounded(wav, form))) as texts:
            (text,) = [text async for text in texts]
        if not any(character.isalnum() for character in text):
            raise NoSpeech("No speech was heard. Speak closer to the microphone and try again.")
        return text

    async def _bounded(self, wav: bytes, form: dict[str, str]) -> AsyncGenerator[str, None]:
        waits, name = self.endpoint.waits, self.endpoint.name
        with metrics.ProviderCall("asr") as call:
            answers = self._ask(wav, form)
            async with aclosing(deadline.paced(answers, first=waits.first, total=waits.total, target=name)) as texts:
                async for text in texts:
                    call.answered()
                    yield text

    async def _ask(self, wav: bytes, form: dict[str, str]) -> AsyncGenerator[str, None]:
        """The one text."""
        response = await self.pool.request(
            "POST",
            self.endpoint.url("/audio/transcriptions"),
            target=self.endpoint.name,
            headers=self.endpoint.headers(),
            data=form,
            files={"file": ("speech.wav", wav, "audio/wav")},
            connect=self.endpoint.waits.connect,
            idle=self.endpoint.waits.idle,
        )
        self.endpoint.check(response)
        yield self._text(response)

    def _text(self, response: httpx.Response) -> str:
        try:
            text = orjson.loads(response.content)["text"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ProviderFailed(f"{self.endpoint.name} sent an answer that cannot be read.") from error
        if not isinstance(text, str):
            raise ProviderFailed(f"{self.endpoint.name} sent an answer without text.")
        return text.strip()


async def transcribe(
    chain: Sequence[Transcriber], wav: bytes, *, language: str | None = None, model: str | None = None
) -> str:
    """What the first provider of the chain that can has heard. `model` is the first one's, errors the last one's."""
    for number, transcriber in enumerate(chain):
        try:
            text = await transcriber.transcribe(wav, language=language, model=None if number else model)
        except TalkError as error:
            if number == len(chain) - 1 or not asks_next_provider(error):
                raise
            following = chain[number + 1].endpoint.provider
            metrics.fallbacks.labels("asr", following).inc()
            log.warning("provider_fell_back", service="asr", provider=following, code=error.code, reason=error.detail)
        else:
            return text
    raise AssertionError("a chain has a provider")
