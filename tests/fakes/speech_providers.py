"""A fake ASR and TTS behind OpenAI's routes, scripted, and a record of what they were asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

# 5 ms of s16le mono 24 kHz for each character of a sentence.
BYTES_PER_CHARACTER = 240


@dataclass
class Asked:
    """One call: its headers, and its form or JSON body."""

    headers: dict[str, str]
    body: Mapping[str, object]


@dataclass
class FakeSpeech:
    """Change the fields to script it. `gate` holds each sentence's sound after its first piece until it is set."""

    transcript: str = "what is a cell"
    asr_status: int = 200
    asr_body: bytes | None = None
    asr_stall: asyncio.Event | None = None
    tts_status: int = 200
    tts_type: str = "audio/pcm"
    tts_body: bytes | None = None
    tts_fail_on: str = ""
    gate: asyncio.Event | None = None
    heard: list[Asked] = field(default_factory=list)
    said: list[Asked] = field(default_factory=list)
    running: int = 0
    most_running: int = 0
    closed_early: asyncio.Event = field(default_factory=asyncio.Event)
    asr_asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def sentences(self) -> list[str]:
        """What the TTS was asked to say, in order."""
        return [str(asked.body["input"]) for asked in self.said]

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/v1/audio/transcriptions", self._transcribe, methods=["POST"]),
                Route("/v1/audio/speech", self._speak, methods=["POST"]),
            ]
        )

    async def _transcribe(self, request: Request) -> Response:
        async with request.form() as form:
            body = {k: await v.read() if isinstance(v, UploadFile) else v for k, v in form.items()}
        self.heard.append(Asked(dict(request.headers), body))
        self.asr_asked.set()
        if self.asr_stall is not None:
            await self.asr_stall.wait()
        if self.asr_body is not None:
            return Response(self.asr_body, self.asr_status)
        return JSONResponse({"text": self.transcript, "error": "secret words of the provider"}, self.asr_status)

    async def _speak(self, request: Request) -> Response:
        body = await request.json()
        self.said.append(Asked(dict(request.headers), body))
        if self.tts_status != 200 or (self.tts_fail_on and self.tts_fail_on in body["input"]):
            return JSONResponse(
                {"error": "secret words of the provider"}, self.tts_status if self.tts_status != 200 else 500
            )
        if self.tts_body is not None:
            return Response(self.tts_body, media_type=self.tts_type)
        return StreamingResponse(self._sound(body["input"]), media_type=self.tts_type)

    async def _sound(self, text: str) -> AsyncIterator[bytes]:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        done = False
        try:
            # Odd pieces: a border may fall inside a sample.
            sound = b"\x10\x01" * (BYTES_PER_CHARACTER * len(text) // 2)
            yield sound[:101]
            if self.gate is not None:
                await self.gate.wait()
            for start in range(101, len(sound), 4097):
                yield sound[start : start + 4097]
            done = True
        finally:
            self.running -= 1
            if not done:
                self.closed_early.set()
