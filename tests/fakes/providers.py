"""ASR, LLM and TTS that can be broken while they serve: a process, or a pod, of its own.

    python -m tests.fakes.providers --llm-port 9000 --speech-port 9001 [--host 0.0.0.0]

`PUT /faults` on the speech port, with `{"llm": "stall"}`, sets what goes wrong from now on; `{}` heals everything.

The transcript of a recording follows from its samples, and the reply from the question, so that a client knows what
has to be in its history, and an answer of somebody else's is seen.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, fields
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm

LLM_FAULTS = ("", "slow", "stall", "error", "reset")
SPEECH_FAULTS = ("", "error")
TEXT = "It has a second sentence that takes a moment to say. And then it ends with a third one."

ASR_SECONDS = 0.1
TTS_SECONDS = 0.05
# 5 ms of s16le, mono, 24 kHz for each character of a sentence.
BYTES_PER_CHARACTER = 240
# Seconds to the first word of a slow reply, and between its words.
SLOW_FIRST, SLOW_EACH = 2.0, 0.2
# The header that WAV files of Talk have.
HEADER_BYTES = 44


@dataclass
class Faults:
    """What goes wrong now: an empty word is nothing. `first` and `each` are the seconds of a healthy reply's words."""

    llm: str = ""
    asr: str = ""
    tts: str = ""
    first: float = 0.1
    each: float = 0.02


def transcript_of(samples: bytes) -> str:
    """What the ASR hears in these samples (16 kHz, mono, s16le)."""
    return f"spoken {hashlib.sha256(samples).hexdigest()[:12]}"


def reply_to(question: str) -> str:
    """What the LLM answers."""
    return f"You said {question}. {TEXT}"


class Providers:
    """The three. The LLM is on a port of its own: it cuts and stalls at exact bytes, which no framework lets it."""

    def __init__(self) -> None:
        self.faults = Faults()

    def speech(self) -> Starlette:
        """ASR, TTS and the switch."""
        routes = [
            Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
            Route("/v1/audio/speech", self._speak, methods=["POST"]),
            Route("/faults", self._set, methods=["PUT"]),
            Route("/ready", _ready),
        ]
        return Starlette(routes=routes)

    def answer(self, llm: FakeLlm, request: fake.Request) -> fake.Answer:
        """The LLM's answer as it goes now. Nothing is remembered of the request."""
        llm.requests.clear()
        if self.faults.llm == "error":
            return fake.status(500)
        asked = request.json
        text = reply_to(asked["messages"][-1]["content"])
        return self._streamed(text) if asked.get("stream") else fake.completion(text)

    def _streamed(self, text: str) -> fake.Answer:
        slow = self.faults.llm == "slow"
        first, each = (SLOW_FIRST, SLOW_EACH) if slow else (self.faults.first, self.faults.each)
        words = [f"{word} " for word in text.split(" ")]
        words[-1] = words[-1][:-1]
        paced = [step for word in words for step in (fake.pause(each), fake.text(word))]
        half = [fake.ROLE, fake.pause(first), *paced[: len(paced) // 2]]
        if self.faults.llm == "stall":
            return fake.streamed(*half, fake.stall(), finished=False)
        if self.faults.llm == "reset":
            return fake.streamed(*half, fake.reset(), finished=False)
        return fake.streamed(*half, *paced[len(paced) // 2 :], *fake.end())

    def models(self, healthy: fake.Answer) -> fake.Answer:
        """The answer to a probe: an LLM that answers 500 does so here too."""
        return fake.status(500) if self.faults.llm == "error" else healthy

    async def _transcribe(self, request: Request) -> Response:
        async with request.form() as form:
            upload: Any = form["file"]
            samples = (await upload.read())[HEADER_BYTES:]
        if self.faults.asr == "error":
            return Response(status_code=500)
        await asyncio.sleep(ASR_SECONDS)
        return JSONResponse({"text": transcript_of(samples)})

    async def _speak(self, request: Request) -> Response:
        text = (await request.json())["input"]
        if self.faults.tts == "error":
            return Response(status_code=500)
        return StreamingResponse(_sound(BYTES_PER_CHARACTER * len(text)), media_type="audio/pcm")

    async def _set(self, request: Request) -> Response:
        asked = await request.json()
        known = {field.name for field in fields(Faults)}
        wrong = asked.keys() - known or asked.get("llm", "") not in LLM_FAULTS
        if wrong or not {asked.get("asr", ""), asked.get("tts", "")} <= set(SPEECH_FAULTS):
            return JSONResponse({"detail": f"known: {sorted(known)}, {LLM_FAULTS}, {SPEECH_FAULTS}"}, 400)
        self.faults = Faults(**asked)
        return JSONResponse(asked)


async def _ready(_request: Request) -> Response:
    return Response()


async def _sound(length: int) -> AsyncIterator[bytes]:
    await asyncio.sleep(TTS_SECONDS)
    for start in range(0, length, 9600):
        yield (b"\x10\x01" * 4800)[: length - start]


class SwitchedLlm(FakeLlm):
    """A FakeLlm whose answers and probes follow the faults of `providers`."""

    def __init__(self, providers: Providers, port: int = 0, host: str = "127.0.0.1") -> None:
        super().__init__(port, host)
        self._providers = providers
        self._healthy = self.models
        self.default = lambda request: providers.answer(self, request)

    def _chosen(self, request: fake.Request) -> fake.Answer:
        self.probes.clear()
        self.models = self._providers.models(self._healthy)
        return super()._chosen(request)


async def _serve(host: str, llm_port: int, speech_port: int) -> None:
    providers = Providers()
    async with SwitchedLlm(providers, llm_port, host):
        config = uvicorn.Config(
            providers.speech(), host=host, port=speech_port, log_config=None, access_log=False, ws="none"
        )
        await uvicorn.Server(config).serve()


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--llm-port", type=int, required=True)
    parser.add_argument("--speech-port", type=int, required=True)
    options = parser.parse_args()
    asyncio.run(_serve(options.host, options.llm_port, options.speech_port))


if __name__ == "__main__":
    main()
