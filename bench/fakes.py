"""ASR, LLM and TTS with the fixed delays of `scenario`, OpenAI-compatible, in a process of their own.

    python -m bench.fakes --port 9000

`GET /stats` tells how late its own pieces left, and forgets it: the machine's share in every figure.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from bench import scenario
from bench.figures import percentile
from bench.serving import serve

_SOUND = b"\x10\x00" * int(scenario.SPEECH_RATE * scenario.TTS_PIECE_SECONDS)
_late: list[float] = []


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    serve(app(), parser.parse_args().port)


def app() -> Starlette:
    """The three providers as one app."""
    routes = [
        Route("/v1/audio/transcriptions", transcribe, methods=["POST"]),
        Route("/v1/chat/completions", complete, methods=["POST"]),
        Route("/v1/audio/speech", speak, methods=["POST"]),
        Route("/v1/models", models),
        Route("/stats", stats),
        Route("/ready", models),
    ]
    return Starlette(routes=routes)


async def transcribe(request: Request) -> Response:
    """What was said is the same whatever was said."""
    async for _ in request.stream():
        pass
    begun = time.perf_counter()
    await asyncio.sleep(scenario.ASR_SECONDS)
    _late.append(time.perf_counter() - begun - scenario.ASR_SECONDS)
    return _json({"text": scenario.QUESTION})


async def complete(request: Request) -> Response:
    """The reply, a token at a time where a stream is asked for."""
    asked = orjson.loads(await request.body())
    if asked.get("stream"):
        return StreamingResponse(paced(_CHUNKS), media_type="text/event-stream")
    await asyncio.sleep(scenario.LLM_FIRST_SECONDS)
    message = {"role": "assistant", "content": scenario.REPLY}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    choice = {"index": 0, "finish_reason": "stop", "message": message}
    return _json({**_HEAD, "object": "chat.completion", "choices": [choice], "usage": usage})


async def speak(request: Request) -> Response:
    """Sound as long as the text, in pieces of 200 ms."""
    text = orjson.loads(await request.body())["input"]
    return StreamingResponse(paced(_sound(scenario.speech_bytes(text))), media_type="audio/pcm")


async def models(_request: Request) -> Response:
    """What a probe asks for."""
    return _json({"object": "list", "data": [{"id": "fake", "object": "model"}]})


async def stats(_request: Request) -> Response:
    """Lateness in seconds since the last time this was asked."""
    late = sorted(_late)
    _late.clear()
    return _json({"pieces": len(late), "late_p50": percentile(late, 50), "late_p95": percentile(late, 95)})


async def paced(pieces: Iterable[tuple[float, bytes]]) -> AsyncIterator[bytes]:
    """Each piece at its seconds after now; a late piece does not delay the next."""
    begun = time.perf_counter()
    for due, data in pieces:
        wait = begun + due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        _late.append(time.perf_counter() - begun - due)
        yield data


def _sound(length: int) -> Iterator[tuple[float, bytes]]:
    at = scenario.TTS_FIRST_SECONDS
    for start in range(0, length, len(_SOUND)):
        yield at, _SOUND[: length - start]
        at += scenario.TTS_PIECE_SECONDS / scenario.TTS_SPEED


_HEAD: dict[str, Any] = {"id": "fake", "created": 0, "model": "fake"}


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return b"data: %b\n\n" % orjson.dumps({**_HEAD, "object": "chat.completion.chunk", "choices": [choice]})


def _chunks() -> Iterator[tuple[float, bytes]]:
    at = 0.0
    for at, token in scenario.token_times():
        role = {"role": "assistant"} if at == scenario.LLM_FIRST_SECONDS else {}
        yield at, _chunk({**role, "content": token})
    yield at, _chunk({}, "stop") + b"data: [DONE]\n\n"


_CHUNKS = list(_chunks())


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


if __name__ == "__main__":
    main()
