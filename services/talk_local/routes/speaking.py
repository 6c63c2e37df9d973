"""`POST /v1/audio/speech`: sound leaves as soon as the first clause has been said."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from talk_kit.errors import InvalidRequest
from talk_local import bodies
from talk_local.answers import UNBUFFERED, Head, Streamed
from talk_local.encoding import Encoder, encoder
from talk_local.lane import Lane
from talk_local.part import Part
from talk_local.speech.speaker import Speaker

LONGEST_INPUT = 4096  # characters, OpenAI's own bound
_SPEEDS = (0.25, 4.0)


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """What to say, checked. `model` and `voice` are accepted whatever they are: there is one voice."""

    text: str
    response_format: str
    speed: float

    @classmethod
    def parse(cls, body: dict[str, Any]) -> SpeechRequest:
        """OpenAI's fields; InvalidRequest says what is wrong."""
        text, speed = body.get("input"), body.get("speed", 1.0)
        if not isinstance(text, str) or not text.strip():
            raise InvalidRequest("input is the text to say.")
        if len(text) > LONGEST_INPUT:
            raise InvalidRequest(f"input is over {LONGEST_INPUT} characters.")
        if isinstance(speed, bool) or not isinstance(speed, int | float) or not _SPEEDS[0] <= speed <= _SPEEDS[1]:
            raise InvalidRequest("speed is a number from 0.25 to 4.")
        if body.get("stream_format") not in (None, "audio"):
            raise InvalidRequest("stream_format is audio.")
        return cls(text, str(body.get("response_format") or "mp3"), float(speed))


class Speaking:
    """The route."""

    def __init__(self, part: Part[Speaker], lane: Lane) -> None:
        self._part = part
        self._lane = lane

    async def post(self, request: Request) -> Response:
        """The sound, chunked: each clause as soon as it is made. None is begun for a client that has left."""
        speaker = self._part.engine
        self._lane.admit()
        wanted = SpeechRequest.parse(bodies.json_object(await bodies.json_bytes(request)))
        return Streamed(self._said(speaker, wanted, encoder(wanted.response_format)))

    async def _said(
        self, speaker: Speaker, wanted: SpeechRequest, sound: Encoder
    ) -> AsyncGenerator[Head | bytes, None]:
        begun = False
        for part in speaker.parts(wanted.text):
            pcm = await self._lane.run(functools.partial(speaker.say, part, wanted.speed))
            if not pcm:
                continue
            if not begun:
                begun = True
                yield Head(200, {"Content-Type": sound.media_type, **UNBUFFERED})
            if chunk := sound.encode(pcm):
                yield chunk
        if not begun:
            raise InvalidRequest("Nothing in input can be said: the local voice speaks English only.")
        if rest := sound.finish():
            yield rest
