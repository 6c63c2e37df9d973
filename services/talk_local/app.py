"""The app: three optional engines behind OpenAI's routes, as a value."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from talk_kit.disconnect import cancel_and_wait
from talk_kit.health import Health
from talk_kit.metrics import metrics_route
from talk_kit.serving import middleware
from talk_local import metrics, models
from talk_local.answers import EXCEPTION_HANDLERS
from talk_local.asr import Listener, Moonshine
from talk_local.lane import Lane
from talk_local.llm import LlmOptions, LocalModel
from talk_local.part import E, Part
from talk_local.routes.chat import Chat, LanguageModel, Models
from talk_local.routes.speaking import Speaking
from talk_local.routes.transcriptions import Transcriptions
from talk_local.settings import Settings
from talk_local.speech.speaker import LocalSpeaker, Speaker


@dataclass
class Deps:
    """The engines, which load once the app runs, and the process's health."""

    asr: Part[Listener]
    tts: Part[Speaker]
    llm: Part[LanguageModel]
    health: Health = field(init=False)

    def __post_init__(self) -> None:
        self.health = Health([part.check() for part in self.parts if part.wanted])

    @property
    def parts(self) -> list[Part[Any]]:
        """All three, in the order of `/ready`."""
        return [self.asr, self.tts, self.llm]


def create_deps(settings: Settings) -> Deps:
    """The real engines, as far as the settings want them."""

    return Deps(
        asr=Part("asr", "Speech recognition", _wanted("asr", settings, _listener)),
        tts=Part("tts", "Speech synthesis", _wanted("tts", settings, _speaker)),
        llm=Part("llm", "The language model", _wanted("llm", settings, _language_model)),
    )


def _wanted(name: str, settings: Settings, load: Callable[[Settings], E]) -> Callable[[], E] | None:
    return (lambda: load(settings)) if name in settings.parts else None


def _listener(settings: Settings) -> Listener:
    return Moonshine(models.asr_model(settings.asr_model))


def _speaker(settings: Settings) -> Speaker:
    return LocalSpeaker(models.tts_voice(settings.tts_voice), settings.threads)


def _language_model(settings: Settings) -> LanguageModel:
    options = LlmOptions(
        context=settings.llm_context,
        slots=settings.llm_slots,
        threads=settings.llm_threads,
        prompt_threads=settings.llm_prompt_threads or _half_the_cores(),
        tokens=settings.llm_tokens,
    )
    return LocalModel(models.llm_gguf(settings.llm_gguf), options, demonstration=not settings.llm_gguf)


def _half_the_cores() -> int:
    """Of those that this process may use; from 1 to 4."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(4, usable // 2))


def create_app(settings: Settings, deps: Deps) -> Starlette:
    """The routes over the engines. One transcription runs at a time (Moonshine's lock), and two syntheses."""
    hearing = Lane("speech recognition", workers=1, waiting=settings.queue)
    speech = Lane("speech synthesis", workers=2, waiting=settings.queue)
    for engine, lane in zip(metrics.ENGINES, (hearing, speech), strict=True):
        metrics.queue.labels(engine).set_function(partial(getattr, lane, "pending"))
    chat = Chat(deps.llm, limit=settings.llm_slots + settings.queue, idle=settings.llm_idle)
    transcriptions = Transcriptions(deps.asr, hearing, settings.audio_seconds)
    routes = [
        Route("/v1/audio/transcriptions", transcriptions.post, methods=["POST"]),
        Route("/v1/audio/speech", Speaking(deps.tts, speech).post, methods=["POST"]),
        Route("/v1/chat/completions", chat.post, methods=["POST"]),
        Route("/v1/models", Models(deps.parts).get, methods=["GET"]),
        *deps.health.routes(),
        metrics_route(),
    ]
    return Starlette(
        routes=routes,
        middleware=middleware("local"),
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=_lifespan(deps, chat, [hearing, speech]),
    )


def _lifespan(deps: Deps, chat: Chat, lanes: list[Lane]) -> Callable[[Starlette], AbstractAsyncContextManager[None]]:
    """Loads in the background, so that `/ready` can say what is missing from the first second."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        loading = [asyncio.create_task(part.load(), name=f"load-{part.name}") for part in deps.parts]
        try:
            async with deps.health.running():
                deps.health.started = True
                yield
        finally:
            await cancel_and_wait(*loading)
            for lane in lanes:
                lane.close()
            await chat.close()
            await asyncio.gather(*(part.close() for part in deps.parts))

    return lifespan
