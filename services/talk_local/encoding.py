"""PCM in the container that a client asked for, piece by piece."""

from __future__ import annotations

import struct
from typing import Protocol

from talk_kit.errors import InvalidRequest
from talk_local.speech.voice import RATE

_ENDLESS = 0xFFFFFFFF  # a length that nobody knows yet
_KBPS = 64


class Encoder(Protocol):
    """One stream of sound."""

    media_type: str

    def encode(self, pcm: bytes) -> bytes:
        """What can be sent of it now; may be empty."""

    def finish(self) -> bytes:
        """What is left."""


class Pcm:
    """Bare samples; the type says how to read them."""

    media_type = f"audio/pcm;rate={RATE};channels=1"

    def encode(self, pcm: bytes) -> bytes:
        """As it is."""
        return pcm

    def finish(self) -> bytes:
        """Nothing is held back."""
        return b""


class Wav(Pcm):
    """One header before the first sample, whose lengths are ffffffff: players then read to the end."""

    media_type = "audio/wav"

    def __init__(self) -> None:
        self._header = struct.pack(
            "<4sI4s4sIHHIIHH4sI",
            b"RIFF", _ENDLESS, b"WAVE", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16, b"data", _ENDLESS,
        )  # fmt: skip

    def encode(self, pcm: bytes) -> bytes:
        """With the header the first time."""
        header, self._header = self._header, b""
        return header + pcm


class Mp3:
    """LAME at a constant rate; it holds back up to a frame or two, so `finish` must be called."""

    media_type = "audio/mpeg"

    def __init__(self) -> None:
        import lameenc

        self._encoder = lameenc.Encoder()
        self._encoder.set_bit_rate(_KBPS)
        self._encoder.set_in_sample_rate(RATE)
        self._encoder.set_channels(1)
        self._encoder.set_quality(5)
        self._encoder.silence()

    def encode(self, pcm: bytes) -> bytes:
        """The frames that are whole."""
        return bytes(self._encoder.encode(pcm))

    def finish(self) -> bytes:
        """The last frames."""
        return bytes(self._encoder.flush())


_ENCODERS: dict[str, type[Pcm | Mp3]] = {"pcm": Pcm, "wav": Wav, "mp3": Mp3}


def encoder(name: str) -> Encoder:
    """An encoder for OpenAI's `response_format`; InvalidRequest for those that are not offered here."""
    if name not in _ENCODERS:
        raise InvalidRequest(f"response_format is one of {', '.join(_ENCODERS)}.")
    return _ENCODERS[name]()
