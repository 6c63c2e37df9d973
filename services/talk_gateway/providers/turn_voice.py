"""The voice of one turn: one provider for as long as it speaks, the next one where it cannot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from talk_gateway import metrics
from talk_gateway.providers.endpoint import asks_next_provider
from talk_gateway.providers.tts import Synthesizer
from talk_kit.breaker import State
from talk_kit.errors import TalkError
from talk_kit.logs import get_logger

log = get_logger(__name__)


class TurnVoice:
    """Speaks the sentences of a turn, several at a time.

    Another provider is asked only before the first sound of a sentence, and the turn then stays with it: a sentence
    whose sound has not begun goes over too, so that the voice changes at most once for each provider that fails.
    `model` and `voice` are those of the first provider.
    """

    def __init__(self, chain: Sequence[Synthesizer], *, model: str | None = None, voice: str | None = None) -> None:
        self._chain = chain
        self._model = model
        self._voice = voice
        self._at = 0
        self._trial = asyncio.Lock()

    async def say(self, text: str) -> AsyncGenerator[bytes, None]:
        """The sound of one sentence. Raises what the last provider that was asked failed with."""
        while True:
            at, begun = self._at, False
            try:
                async with aclosing(self._sound(at, text)) as sound:
                    async for pcm in sound:
                        if not begun and at != self._at:
                            break
                        begun = True
                        yield pcm
            except TalkError as error:
                if begun or not self._goes_on(at, error):
                    raise
            if begun or at == self._at:
                return

    def _goes_on(self, at: int, error: TalkError) -> bool:
        """Whether another provider is left, which the turn then uses from here on."""
        if at < self._at:
            return True
        if at == len(self._chain) - 1 or not asks_next_provider(error):
            return False
        self._at = at + 1
        following = self._chain[self._at].endpoint.provider
        metrics.fallbacks.labels("tts", following).inc()
        log.warning("provider_fell_back", service="tts", provider=following, code=error.code, reason=error.detail)
        return True

    async def _sound(self, at: int, text: str) -> AsyncGenerator[bytes, None]:
        """While a provider is on trial, one sentence of the turn is it; the others wait for its first sound."""
        synthesizer = self._chain[at]
        model, voice = (None, None) if at else (self._model, self._voice)
        on_trial = synthesizer.endpoint.guard.state is not State.CLOSED
        if on_trial:
            await self._trial.acquire()
        try:
            async with aclosing(synthesizer.synthesize(text, model=model, voice=voice)) as sound:
                async for pcm in sound:
                    if on_trial:
                        on_trial = False
                        self._trial.release()
                    yield pcm
        finally:
            if on_trial:
                self._trial.release()
