"""`POST /v1/audio/transcriptions`."""

from __future__ import annotations

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from talk_kit.disconnect import until_disconnect
from talk_kit.errors import InvalidRequest
from talk_local import bodies, wav
from talk_local.asr import Listener, Segment
from talk_local.lane import Lane
from talk_local.part import Part

_FORMATS = ("json", "text", "verbose_json")
_ENGLISH = ("en", "english", "auto")


class Transcriptions:
    """The route. `seconds` bounds a recording."""

    def __init__(self, part: Part[Listener], lane: Lane, seconds: float) -> None:
        self._part = part
        self._lane = lane
        self._seconds = seconds

    async def post(self, request: Request) -> Response:
        """Form fields `file`, `model`, `language`, `response_format`; `model` and what else OpenAI knows is ignored."""
        listener = self._part.engine
        self._lane.admit()
        async with bodies.form(request) as fields:
            response_format = _response_format(fields)
            data = await bodies.upload(fields)
        recording, segments = await until_disconnect(
            request.receive, self._lane.run(lambda: self._hear(listener, data))
        )
        return _answer(response_format, recording.seconds, segments)

    def _hear(self, listener: Listener, data: bytes) -> tuple[wav.Recording, list[Segment]]:
        recording = wav.read(data)
        if recording.seconds > self._seconds:
            raise InvalidRequest(f"The recording is longer than {self._seconds:g} s.")
        return recording, listener.transcribe(recording)


def _response_format(fields: FormData) -> str:
    language = str(fields.get("language") or "en").lower().replace("_", "-")
    if language.partition("-")[0] not in _ENGLISH:
        raise InvalidRequest("The local speech recognition hears English only.")
    response_format = str(fields.get("response_format") or "json")
    if response_format not in _FORMATS:
        raise InvalidRequest(f"response_format is one of {', '.join(_FORMATS)}.")
    return response_format


def _answer(response_format: str, seconds: float, segments: list[Segment]) -> Response:
    text = " ".join(segment.text for segment in segments)
    if response_format == "text":
        return PlainTextResponse(text + "\n")
    if response_format == "json":
        return JSONResponse({"text": text})
    lines = [
        {"id": at, "start": round(s.start, 2), "end": round(s.end, 2), "text": s.text} for at, s in enumerate(segments)
    ]
    body = {"task": "transcribe", "language": "english", "duration": round(seconds, 2), "text": text, "segments": lines}
    return JSONResponse(body)
