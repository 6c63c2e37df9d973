"""A turn's events folded into one value, for the routes that answer with JSON."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

from talk_gateway.voice_turn import Sound, VoiceEvent
from talk_kit.errors import ProviderFailed, from_code
from talk_kit.events import Transcript, TurnCompleted, TurnFailed


@dataclass
class FoldedTurn:
    """What a whole turn came to. `pcm` is all of its sound."""

    reply: str = ""
    transcript: str = ""
    finish_reason: str = "stop"
    usage: dict[str, int] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    pcm: bytearray = field(default_factory=bytearray)


async def fold(events: AsyncGenerator[VoiceEvent, None]) -> FoldedTurn:
    """Runs the turn to its end. A failed one raises the error that its code names."""
    folded = FoldedTurn()
    async with aclosing(events) as inner:
        async for event in inner:
            match event:
                case Transcript(text, True):
                    folded.transcript = text
                case Sound(pcm):
                    folded.pcm += pcm
                case TurnFailed():
                    raise from_code(event.code, event.detail, retry_after=event.retry_after)
                case TurnCompleted():
                    folded.reply, folded.finish_reason = event.reply, event.finish_reason
                    folded.usage, folded.timings = dict(event.usage), dict(event.timings)
                    return folded
    raise ProviderFailed("The turn ended without an ending.")
