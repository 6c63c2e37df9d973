"""The whole way from text to sound, as the HTTP route uses it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from talk_local.speech.clauses import Part, parts
from talk_local.speech.lexicon import Lexicon
from talk_local.speech.pronunciation import Pronouncer
from talk_local.speech.reading import MARKS, spoken
from talk_local.speech.voice import Voice, silence


class Speaker(Protocol):
    """What speaks. Both methods may be called from any thread."""

    name: str

    def parts(self, text: str) -> list[Part]:
        """The text in the pieces in which it will be said; cheap."""

    def say(self, part: Part, speed: float) -> bytes:
        """s16le mono PCM at 24 kHz; empty when nothing of the part can be said."""

    def close(self) -> None:
        """Frees the model."""


class LocalSpeaker:
    """The lexicon and a Piper voice for United States English."""

    def __init__(self, model: Path, threads: int) -> None:
        self.name = model.stem
        self._pronouncer = Pronouncer(Lexicon.load())
        self._voice = Voice(model, threads)

    def parts(self, text: str) -> list[Part]:
        """See `clauses`."""
        return parts(text)

    def say(self, part: Part, speed: float) -> bytes:
        """See `Speaker`."""
        words = spoken(part.text)
        if all(word in MARKS for word in words):
            return b""
        if words[-1] not in MARKS:
            words.append(".")
        return silence(part.pause / speed) + self._voice.say(self._pronouncer.phonemes(words), speed)

    def close(self) -> None:
        """Nothing but memory is held."""
