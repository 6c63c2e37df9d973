"""Speech to text: Moonshine tiny (MIT, English only), which moonshine-voice 0.1.0 carries.

A transcriber that several threads share returns garbage without an error (measured: 14 of 20), hence one lock.
"""

from __future__ import annotations

import ctypes
import threading
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import soxr
from numpy.typing import NDArray

from talk_kit.errors import Internal
from talk_local.transcripts import tidy
from talk_local.wav import Recording

RATE = 16_000
# Faint noise (-60 dBFS) around the speech. A recording that is cut close makes the model invent a first word or
# a quote: over 52 sentences made with the voice the word error rate is .011 with it, .022 without; .0005 did worse.
PADDING_SECONDS = 0.5
PADDING_LEVEL = 0.001


class Segment(NamedTuple):
    """A line of the transcript and where it lies, in seconds from the start of the recording."""

    text: str
    start: float
    end: float


class Listener(Protocol):
    """What hears."""

    name: str

    def transcribe(self, recording: Recording) -> list[Segment]:
        """The lines that are spoken; none for silence. Blocks; any thread may call."""

    def close(self) -> None:
        """Frees the model."""


class Moonshine:
    """One model in memory."""

    name = "moonshine-tiny-en"

    def __init__(self, folder: Path) -> None:
        from moonshine_voice.moonshine_api import ModelArch, TranscriptC  # late: the part is optional
        from moonshine_voice.transcriber import Transcriber

        self._transcriber: Any = Transcriber(str(folder), ModelArch.TINY)
        self._transcript_type: Any = TranscriptC
        self._lock = threading.Lock()

    def transcribe(self, recording: Recording) -> list[Segment]:
        """See `Listener`."""
        samples = padded(recording)
        with self._lock:
            heard = self._lines(samples)
        length = recording.seconds
        return [
            Segment(text, max(0.0, start - PADDING_SECONDS), min(length, end - PADDING_SECONDS))
            for line, start, end in heard
            if (text := tidy(line))
        ]

    def _lines(self, samples: NDArray[np.float32]) -> list[tuple[str, float, float]]:
        """Straight to the C library of this pinned version: the package's own method copies two minutes of sound
        through Python lists, both ways, and holds the interpreter for 200 ms."""
        transcript = ctypes.POINTER(self._transcript_type)()
        status = self._transcriber._lib.moonshine_transcribe_without_streaming(
            self._transcriber._handle,
            samples.ctypes.data_as(ctypes.POINTER(ctypes.c_float)),
            len(samples),
            RATE,
            0,
            ctypes.byref(transcript),
        )
        if status < 0 or not transcript:
            raise Internal("The recording could not be transcribed.")
        lines = (transcript.contents.lines[at] for at in range(transcript.contents.line_count))
        return [
            (ctypes.string_at(line.text).decode("utf-8", "ignore"), line.start_time, line.start_time + line.duration)
            for line in lines
            if line.text
        ]

    def close(self) -> None:
        """Waits for a transcription that runs."""
        with self._lock:
            self._transcriber.close()


def padded(recording: Recording) -> NDArray[np.float32]:
    """The samples at `RATE`, with `PADDING_SECONDS` of the same faint noise before and after."""
    samples = recording.samples
    if recording.rate != RATE:
        samples = soxr.resample(samples, recording.rate, RATE)
    noise = np.random.default_rng(1).normal(0, PADDING_LEVEL, int(PADDING_SECONDS * RATE)).astype(np.float32)
    return np.ascontiguousarray(np.concatenate([noise, samples, noise]), dtype=np.float32)
