"""Engines that tests hold in their hand: they say what they were asked, and wait when told to."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from talk_kit.errors import Unavailable
from talk_local.app import Deps
from talk_local.asr import Segment
from talk_local.part import Part
from talk_local.speech.clauses import Part as Clause
from talk_local.speech.clauses import parts
from talk_local.wav import Recording
from tests.fakes.waiting import eventually

PATIENCE = 10.0  # seconds that a fake waits for its test, at most


class FakeListener:
    """Hears the number of samples. `release` is set unless a test holds it back."""

    name = "fake-ears"

    def __init__(self) -> None:
        self.heard: list[Recording] = []
        self.release = threading.Event()
        self.release.set()

    def transcribe(self, recording: Recording) -> list[Segment]:
        self.heard.append(recording)
        assert self.release.wait(PATIENCE)
        samples = len(recording.samples)
        return [Segment(f"{samples} samples", 0.0, recording.seconds), Segment("heard.", 0.0, recording.seconds)]

    def close(self) -> None:
        pass


class FakeSpeaker:
    """Says a clause as its own bytes, padded to an even number; `?` cannot be said. Counts what it was asked."""

    name = "fake-voice"

    def __init__(self) -> None:
        self.said: list[str] = []
        self.permits = threading.Semaphore(1000)
        self.closed = False

    def hold(self, permits: int = 0) -> None:
        """From now on only so many clauses are said, until `permits` is released further."""
        self.permits = threading.Semaphore(permits)

    def parts(self, text: str) -> list[Clause]:
        return parts(text)

    def say(self, part: Clause, speed: float) -> bytes:
        assert self.permits.acquire(timeout=PATIENCE)
        self.said.append(part.text)
        spoken = part.text.strip("? ").encode() * round(1 / speed)
        return spoken + b" " * (len(spoken) % 2)

    def close(self) -> None:
        self.closed = True


class FakeModel:
    """An OpenAI-compatible server on a Unix socket, in the test's own event loop."""

    name = "fake-model"
    demonstration = True

    def __init__(self) -> None:
        self.socket = str(Path(tempfile.mkdtemp(prefix="talk-test-")) / "s")
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.chunks = [b"data: {}\n", b"\n", b"data: [DONE]\n\n"]
        self.next = asyncio.Semaphore(1000)
        self.closed_early = asyncio.Event()
        self.status = 200

    async def _chat(self, request: Request) -> Response:
        self.bodies.append(await request.body())
        self.headers.append(dict(request.headers))
        return StreamingResponse(self._stream(), self.status, media_type="text/event-stream")

    async def _stream(self) -> AsyncIterator[bytes]:
        ended = False
        try:
            for chunk in self.chunks:
                await self.next.acquire()
                yield chunk
            ended = True
        finally:
            if not ended:
                self.closed_early.set()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FakeModel]:
        app = Starlette(routes=[Route("/v1/chat/completions", self._chat, methods=["POST"])])
        server = uvicorn.Server(
            uvicorn.Config(app, uds=self.socket, log_config=None, lifespan="off", timeout_graceful_shutdown=1)
        )
        task = asyncio.create_task(server._serve(), name="fake-model")
        try:
            await eventually(lambda: server.started)
            yield self
        finally:
            server.should_exit = True
            await task

    def close(self) -> None:
        pass


def missing() -> FakeListener:
    """A part whose model is not there."""
    raise Unavailable("model.bin is missing. Install it.")


def fake_deps(
    listener: FakeListener | None = None, speaker: FakeSpeaker | None = None, model: FakeModel | None = None
) -> Deps:
    """The parts that are given; the others are switched off."""
    return Deps(
        asr=Part("asr", "Speech recognition", (lambda: listener) if listener else None),
        tts=Part("tts", "Speech synthesis", (lambda: speaker) if speaker else None),
        llm=Part("llm", "The language model", (lambda: model) if model else None),
    )
