"""Sound out: samples from the speech provider, as the client asked for them. One encoder for one answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import lameenc

from talk_gateway.audio.wav import write_header
from talk_kit.errors import InvalidRequest

RATE = 24_000
"""Of all sound inside the gateway: s16le, one channel."""

_MP3_KILOBITS = 64
_MP3_QUALITY = 7
"""LAME's 0 (best) to 9: 1.2 ms of CPU a second of sound; 5 costs 1.8 and 2 costs 4.2, for speech no one tells apart."""


class Encoder(Protocol):
    """Takes samples in pieces of any size, also odd ones: half a sample waits for its other half."""

    content_type: str

    def feed(self, pcm: bytes) -> bytes:
        """What can be sent now; may be empty."""

    def finish(self) -> bytes:
        """The rest. A half sample at the very end is dropped."""


class Halves:
    """Joins samples that were cut by a border between pieces."""

    def __init__(self) -> None:
        self._half = b""

    def whole(self, pcm: bytes) -> bytes:
        """Whole 16-bit samples, with the half of the piece before."""
        joined = self._half + pcm if self._half else pcm
        even = len(joined) & ~1
        self._half = joined[even:]
        return joined if even == len(joined) else joined[:even]


class PcmEncoder:
    """The samples as they are: an even number of bytes, no header."""

    content_type = "audio/pcm; rate=24000; channels=1"

    def __init__(self) -> None:
        self._halves = Halves()

    def feed(self, pcm: bytes) -> bytes:
        return self._halves.whole(pcm)

    def finish(self) -> bytes:
        return b""


class WavEncoder(PcmEncoder):
    """One header, for a length that is not known yet, before the first samples; nothing after the last."""

    content_type = "audio/wav"

    def __init__(self) -> None:
        super().__init__()
        self._header = write_header(RATE)

    def feed(self, pcm: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + super().feed(pcm)

    def finish(self) -> bytes:
        return self.feed(b"")


class Mp3Encoder:
    """MPEG-2 layer 3, 64 kbit/s, without tags: the first bytes leave after 0.1 s of sound."""

    content_type = "audio/mpeg"

    def __init__(self) -> None:
        self._halves = Halves()
        self._lame = lameenc.Encoder()
        self._lame.set_channels(1)
        self._lame.set_in_sample_rate(RATE)
        self._lame.set_out_sample_rate(RATE)
        self._lame.set_bit_rate(_MP3_KILOBITS)
        self._lame.set_quality(_MP3_QUALITY)
        self._lame.silence()
        self._begun = False

    def feed(self, pcm: bytes) -> bytes:
        whole = self._halves.whole(pcm)
        if not whole:
            return b""
        self._begun = True
        return bytes(self._lame.encode(whole))

    def finish(self) -> bytes:
        return bytes(self._lame.flush()) if self._begun else b""


_ENCODERS: dict[str, Callable[[], Encoder]] = {"mp3": Mp3Encoder, "wav": WavEncoder, "pcm": PcmEncoder}
FORMATS = tuple(_ENCODERS)


def encoder_for(name: str) -> Encoder:
    """A new encoder; InvalidRequest names the formats there are."""
    if name not in _ENCODERS:
        raise InvalidRequest(f"No such audio format. Use one of: {', '.join(FORMATS)}.")
    return _ENCODERS[name]()
