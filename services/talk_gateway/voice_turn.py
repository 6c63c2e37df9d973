"""A voice turn: speech in, events and sound out, its stages overlapping.

The first sentence is synthesized while the model still writes. Text is never held back by sound: what the agent
says is passed on as it comes, and a failing voice does not cut the agent's answer short, so that the session keeps
all of it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from talk_gateway.speech_queue import SpeechQueue, Synthesize
from talk_gateway.spoken import Piece, SpeechSplitter
from talk_kit import deadline
from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import DeadlineExceeded, TalkError
from talk_kit.events import (
    ReplyDelta,
    StageChanged,
    ToolStarted,
    Transcript,
    TurnCompleted,
    TurnEvent,
    TurnFailed,
    TurnStarted,
)
from talk_kit.logs import get_logger

log = get_logger(__name__)

# Events that wait for a slow reader, sound among them.
WAITING_EVENTS = 16


@dataclass(frozen=True, slots=True)
class Sound:
    """The next piece of the reply's sound: s16le, mono, 24 kHz, whole samples."""

    pcm: bytes


VoiceEvent = TurnEvent | Sound
Transcribe = Callable[[], Awaitable[str]]
OpenTurn = Callable[[str], AsyncGenerator[TurnEvent, None]]


@dataclass(frozen=True, slots=True)
class VoiceTurn:
    """What a turn is made of. `transcribe` hears it, `open_turn` asks the agent, `synthesize` speaks a sentence."""

    started: TurnStarted
    transcribe: Transcribe
    open_turn: OpenTurn
    synthesize: Synthesize
    timeout: float

    async def events(self) -> AsyncGenerator[VoiceEvent, None]:
        """Starts the turn. Ends with exactly one TurnCompleted or TurnFailed; closing it cancels everything."""
        out: asyncio.Queue[VoiceEvent] = asyncio.Queue(WAITING_EVENTS)
        run = asyncio.create_task(_Run(self, out).run(), name="voice-turn")
        try:
            while True:
                event = await out.get()
                yield event
                if isinstance(event, TurnCompleted | TurnFailed):
                    return
        finally:
            await cancel_and_wait(run)


@dataclass(slots=True)
class _Clock:
    """When each stage came, as seconds since the upload was complete; stages that did not come are absent."""

    begun: float = field(default_factory=time.monotonic)
    timings: dict[str, float] = field(default_factory=dict)

    def mark(self, stage: str, since: float | None = None, at: float | None = None) -> None:
        """Notes a stage once."""
        begun = self.begun if since is None else since
        self.timings.setdefault(stage, round((at or time.monotonic()) - begun, 4))


class _Run:
    """The state of one turn while it runs."""

    def __init__(self, turn: VoiceTurn, out: asyncio.Queue[VoiceEvent]) -> None:
        self._turn = turn
        self._out = out
        self._clock = _Clock()
        self._splitter = SpeechSplitter()
        self._speech = SpeechQueue(turn.synthesize, self._deliver)
        self._asked = 0.0

    async def run(self) -> None:
        await self._out.put(self._turn.started)
        await self._out.put(await self._ending())

    async def _ending(self) -> TurnCompleted | TurnFailed:
        try:
            async with asyncio.timeout(deadline.bounded(self._turn.timeout)):
                completed = await self._stages()
        except TimeoutError:
            late = DeadlineExceeded(f"The turn took longer than {self._turn.timeout:g} s.")
            return TurnFailed.of(deadline.over() or late)
        except TalkError as error:
            return TurnFailed.of(error)
        except Exception as error:
            log.exception("voice_turn_failed")
            return TurnFailed.of(error)
        if isinstance(completed, TurnFailed):
            return completed
        self._clock.mark("total")
        return replace(completed, timings={**completed.timings, **self._clock.timings})

    async def _stages(self) -> TurnCompleted | TurnFailed:
        await self._out.put(StageChanged("transcribing"))
        text = await self._turn.transcribe()
        self._clock.mark("asr")
        await self._out.put(Transcript(text))
        await self._out.put(StageChanged("thinking"))
        return await self._answer(text)

    async def _answer(self, text: str) -> TurnCompleted | TurnFailed:
        self._asked = time.monotonic()
        inbox: asyncio.Queue[TurnEvent | Exception] = asyncio.Queue(WAITING_EVENTS)
        speaking = asyncio.create_task(self._speech.run(), name="voice-turn-speech")
        listening = asyncio.create_task(self._listen(text, inbox), name="voice-turn-agent")
        try:
            ending = await self._follow(inbox)
            self._speech.end()
            if isinstance(ending, TurnCompleted):
                await speaking
                self._mark_speech()
            return ending
        finally:
            await cancel_and_wait(listening, speaking)

    async def _listen(self, text: str, inbox: asyncio.Queue[TurnEvent | Exception]) -> None:
        """Carries the agent's events, and what ends them badly, into the inbox."""
        try:
            async with aclosing(self._turn.open_turn(text)) as events:
                async for event in events:
                    await inbox.put(event)
        except Exception as error:
            await inbox.put(error)

    async def _follow(self, inbox: asyncio.Queue[TurnEvent | Exception]) -> TurnCompleted | TurnFailed:
        while True:
            event = await self._next(inbox)
            if isinstance(event, Exception):
                raise event
            self._say(self._pieces(event))
            if isinstance(event, TurnCompleted | TurnFailed):
                return event
            if event is not None and not isinstance(event, TurnStarted | StageChanged):
                await self._out.put(event)

    async def _next(self, inbox: asyncio.Queue[TurnEvent | Exception]) -> TurnEvent | Exception | None:
        """The agent's next event, or None when a finished sentence has waited long enough."""
        due = self._splitter.due
        if due is None or not inbox.empty():
            return await inbox.get()
        try:
            # The splitter's clock and the loop's are both time.monotonic.
            async with asyncio.timeout(max(0.0, due - time.monotonic())):
                return await inbox.get()
        except TimeoutError:
            return None

    def _pieces(self, event: TurnEvent | None) -> list[Piece]:
        now = time.monotonic()
        match event:
            case None:
                return self._splitter.poll(now)
            case ReplyDelta(text):
                self._clock.mark("llm_ttft", self._asked)
                return self._splitter.feed(text, now)
            case ToolStarted() | TurnCompleted():
                return self._splitter.end_message()
        return []

    def _say(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if piece.spoken:
                self._clock.mark("first_sentence", self._asked)
                self._speech.say(piece.spoken)

    async def _deliver(self, pcm: bytes) -> None:
        if "first_audio" not in self._clock.timings:
            self._clock.mark("first_audio")
            await self._out.put(StageChanged("speaking"))
        await self._out.put(Sound(pcm))

    def _mark_speech(self) -> None:
        if self._speech.first_asked is not None and self._speech.first_heard is not None:
            self._clock.mark("tts_ttfb", self._speech.first_asked, self._speech.first_heard)
