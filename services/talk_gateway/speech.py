"""Voice turns: `POST /v1/speech_to_speech` in all its forms."""

from __future__ import annotations

import base64
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from talk_gateway.agents_client import TurnRequest, agent_turn
from talk_gateway.audio.decode import Recording
from talk_gateway.audio.encode import Encoder, encoder_for
from talk_gateway.audio_response import AudioResponse
from talk_gateway.auth import caller_of
from talk_gateway.chat import json_answer
from talk_gateway.deps import Deps
from talk_gateway.directory import Agent
from talk_gateway.folding import fold
from talk_gateway.languages import accepted_language
from talk_gateway.observing import observed, refusals
from talk_gateway.providers.asr import transcribe as transcribe_by
from talk_gateway.providers.turn_voice import TurnVoice
from talk_gateway.requests import choose_agent, forwarded_headers, wants_events
from talk_gateway.running import running_turn
from talk_gateway.uploads import UploadLimits, read_recording
from talk_gateway.voice_turn import Sound, VoiceEvent, VoiceTurn
from talk_kit import deadline
from talk_kit.bodies import Pace
from talk_kit.context import bind
from talk_kit.disconnect import until_disconnect
from talk_kit.errors import InvalidRequest
from talk_kit.events import AudioDelta, TurnCompleted, TurnEvent, TurnStarted
from talk_kit.names import header_of_session, new_id, session_id_of
from talk_kit.sse import EventStreamResponse

FORMATS = ("mp3", "wav", "pcm", "json")
EVENT_FORMATS = {"mp3": "mp3", "pcm": "pcm_s16le_24000"}


@dataclass(frozen=True, slots=True)
class SpeechRequest:
    """A voice turn as it was asked for. `format` is one of FORMATS."""

    agent: Agent
    session_id: str
    language: str | None
    format: str
    stream: bool
    headers: dict[str, str]


async def speech_to_speech(request: Request) -> Response:
    """A recording in; the spoken reply out, begun before it is complete, as sound, as events or as JSON."""
    deps: Deps = request.app.state.deps
    # The caller's time begins here, the turn's own when the recording is there.
    own = deps.settings.upload_timeout + deps.settings.turn_timeout
    deadline.begin(request.headers.get(deadline.HEADER), own)
    asked = _parse(request, deps)
    bind(agent_name=asked.agent.name, session_id=asked.session_id)
    running = running_turn(request)
    with refusals(agent=asked.agent.name, kind="voice"):
        _require_endpoints(deps, asked.agent)
        await running.hold(deps.limited(request, asked.agent))
        await running.hold(deps.admission.place(asked.agent.name))
    async with deadline.held():
        recording = await running.wait(_recording(request, deps))
    deadline.begin(None, deps.settings.turn_timeout)
    turn = running.events(_voice_turn(request, deps, asked, recording).events())
    counted = deps.limiter.charged(turn, caller_of(request), asked.agent)
    events = observed(counted, agent=asked.agent.name, kind="voice")
    headers = header_of_session(asked.session_id)
    if asked.stream:
        return EventStreamResponse(_as_turn_events(events, asked.format), headers)
    if asked.format == "json":
        return await _json(request, asked, events, headers)
    return AudioResponse(events, encoder_for(asked.format), headers)


def _parse(request: Request, deps: Deps) -> SpeechRequest:
    query = request.query_params
    stream = wants_events(request)
    format_ = query.get("format", "mp3").lower()
    if format_ not in (EVENT_FORMATS if stream else FORMATS):
        offered = ", ".join(EVENT_FORMATS if stream else FORMATS)
        raise InvalidRequest(f"format is {format_[:40]!r}; send one of {offered}.")
    agent = choose_agent(deps.visible(request), query.get("mode"), query.get("agent_name"))
    if not agent.voice.enabled:
        raise InvalidRequest(f"The agent {agent.name} has no voice; use /v1/chat.")
    return SpeechRequest(
        agent=agent,
        session_id=session_id_of(request.headers.get("x-session-id"), query.get("session_id")),
        language=accepted_language(query.get("language"), deps.settings.languages) or agent.voice.language,
        format=format_,
        stream=stream,
        headers=forwarded_headers(request.headers),
    )


async def _recording(request: Request, deps: Deps) -> Recording:
    limits = UploadLimits(deps.settings.upload_bytes, Pace(deps.settings.upload_timeout, deps.settings.upload_rate))
    upload = await read_recording(request, limits)
    return await until_disconnect(request.receive, deps.decoder.decode(upload))


def _require_endpoints(deps: Deps, agent: Agent) -> None:
    """AgentNotReady without a pod, CircuitOpen where an endpoint that the turn needs is left alone now: better told
    before the upload than after."""
    deps.transcription.require(agent.voice.transcription_provider)
    deps.synthesis.require(agent.voice.speech_provider)
    agent.require()


def _voice_turn(request: Request, deps: Deps, asked: SpeechRequest, recording: Recording) -> VoiceTurn:
    voice = asked.agent.voice
    chain = deps.transcription.of(voice.transcription_provider)
    spoken = TurnVoice(deps.synthesis.of(voice.speech_provider), model=voice.speech_model, voice=voice.speech_voice)

    async def transcribe() -> str:
        recording.require_speech()
        return await transcribe_by(chain, recording.wav, language=asked.language, model=voice.transcription_model)

    def open_turn(text: str) -> AsyncGenerator[TurnEvent, None]:
        said = text[: deps.settings.text_length]
        headers = asked.headers | deps.identified(request, asked.agent, asked.session_id)
        return agent_turn(deps.pool, asked.agent, TurnRequest(asked.session_id, said, headers))

    started = TurnStarted(new_id(), asked.session_id, asked.agent.name)
    return VoiceTurn(started, transcribe, open_turn, spoken.say, deps.settings.turn_timeout)


async def _as_turn_events(events: AsyncGenerator[VoiceEvent, None], format_: str) -> AsyncGenerator[TurnEvent, None]:
    """Sound becomes `audio.delta`; what the encoder still holds comes before the ending."""
    encoder = encoder_for(format_)
    async with aclosing(events) as inner:
        async for event in inner:
            if isinstance(event, TurnCompleted) and (rest := encoder.finish()):
                yield _audio_delta(rest, format_)
            if not isinstance(event, Sound):
                yield event
            elif encoded := encoder.feed(event.pcm):
                yield _audio_delta(encoded, format_)


def _audio_delta(encoded: bytes, format_: str) -> AudioDelta:
    return AudioDelta(base64.b64encode(encoded).decode(), EVENT_FORMATS[format_])  # type: ignore[arg-type]


async def _json(
    request: Request, asked: SpeechRequest, events: AsyncGenerator[VoiceEvent, None], headers: dict[str, str]
) -> Response:
    folded = await until_disconnect(request.receive, fold(events))
    encoder: Encoder = encoder_for("mp3")
    sound = encoder.feed(bytes(folded.pcm)) + encoder.finish()
    body: dict[str, object] = {
        "transcription": folded.transcript,
        "llm_response": folded.reply,
        "audio_base64": base64.b64encode(sound).decode(),
        "session_id": asked.session_id,
        "finish_reason": folded.finish_reason,
        "usage": folded.usage,
        "timings": folded.timings,
    }
    return json_answer(body, headers)
