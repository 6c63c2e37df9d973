"""What a speech provider sends as the body of its answer, read as the gateway's own samples.

Asked for `pcm`, providers answer with samples, with a WAV around them, at another rate, or with an error under status
200. Everything here is decided from the first bytes and the declared type, while the sound streams on.
"""

from __future__ import annotations

from email.message import Message

import numpy as np
import soxr

from talk_gateway.audio import wav
from talk_gateway.audio.encode import RATE
from talk_gateway.audio.samples import mix, to_floats, to_shorts
from talk_gateway.audio.sniff import sniff
from talk_kit.errors import NoAudio, ProviderFailed, UnsupportedMedia

_HEAD_BYTES = 64
"""1.3 ms of sound: enough to tell text, WAV and the other containers from samples."""
_MOST_HEADER = 1 << 16
_DOUBTFUL_BYTES = 2048
"""Enough for the frames of MPEG audio to lead to one another, where the first two bytes or the type speak of it."""
_PCM_TYPES = (
    "",
    "audio/pcm",
    "audio/l16",
    "audio/x-pcm",
    "audio/raw",
    "application/octet-stream",
    "binary/octet-stream",
)
_MPEG_TYPES = ("audio/mpeg", "audio/mp3")
"""Some proxies declare this whatever they send, so the bytes decide."""
_WAV_TYPES = ("audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave")
_OTHER = "The speech provider sent something other than the sound that was asked for."


class PcmReader:
    """One answer. Give it every piece of the body, then call `finish`; s16le mono 24 kHz comes out, whole samples only.

    Raises ProviderFailed for what is no sound or another codec, NoAudio for none at all.
    """

    def __init__(self, content_type: str = "") -> None:
        self._type, self._declared = _parse(content_type)
        self._held = b""
        self._look_at = 0  # bytes from which on a WAV's header is looked for again: twice as many as the last time
        self._sound: _Sound | None = None
        self._given = False
        if self._type not in _PCM_TYPES + _WAV_TYPES and not self._type.startswith("audio/"):
            raise ProviderFailed(_OTHER)

    def feed(self, piece: bytes) -> bytes:
        """The samples that can be played now; may be empty."""
        if self._sound is None:
            self._held += piece
            self._sound, piece = self._begin(ended=False)
        return self._out(self._sound.feed(piece) if self._sound else b"")

    def finish(self) -> bytes:
        """The last samples."""
        rest = b""
        if self._sound is None and self._held:
            self._sound, piece = self._begin(ended=True)
            rest = self._sound.feed(piece) if self._sound else b""
        if self._sound is not None:
            rest += self._sound.finish()
        out = self._out(rest)
        if not self._given:
            raise NoAudio("The speech provider sent no sound.")
        return out

    def _out(self, pcm: bytes) -> bytes:
        self._given = self._given or bool(pcm)
        return pcm

    def _begin(self, *, ended: bool) -> tuple[_Sound | None, bytes]:
        """The reader of the samples and the first of them, once enough of the body is held to tell."""
        head = self._held
        if not ended and len(head) < _wanted(head, self._type):
            return None, b""
        if head[:4] in (b"RIFF", b"RF64"):
            return self._begin_wav(head) if ended or len(head) >= self._look_at else (None, b"")
        if _is_text(head) or self._is_other(head):
            raise ProviderFailed(_OTHER)
        self._held = b""
        return _Sound(self._declared), head

    def _begin_wav(self, head: bytes) -> tuple[_Sound | None, bytes]:
        try:
            header = wav.parse_header(head)
        except wav.UnreadableWav:
            raise ProviderFailed(_OTHER) from None
        if header is None:
            if len(head) > _MOST_HEADER:
                raise ProviderFailed(_OTHER)
            self._look_at = 2 * len(head)
            return None, b""
        self._held = b""
        return _Sound(header.layout, header.stated), head[header.start :]

    def _is_other(self, head: bytes) -> bool:
        try:
            sniff(head)
        except UnsupportedMedia:
            return self._type not in _PCM_TYPES + _WAV_TYPES + _MPEG_TYPES
        return len(head) >= _HEAD_BYTES


class _Sound:
    """Samples of one layout, up to a stated length, to 24 kHz mono; passed on untouched when they are that already."""

    def __init__(self, layout: wav.Layout, stated: int | None = None) -> None:
        self._layout = layout
        self._left = stated if stated is not None and stated < 0x7FFFFF00 else None
        self._rest = b""
        self._weights = np.full(layout.channels, 1 / layout.channels, np.float32)
        self._same = layout == wav.Layout(wav.Encoding.S16, 1, RATE)
        self._stream = soxr.ResampleStream(layout.rate, RATE, 1, dtype="float32") if layout.rate != RATE else None

    def feed(self, piece: bytes) -> bytes:
        if self._left is not None:
            piece = piece[: self._left]
            self._left -= len(piece)
        joined = self._rest + piece
        whole = len(joined) - len(joined) % self._layout.frame_bytes
        self._rest = joined[whole:]
        if self._same or not whole:
            return joined[:whole]
        frames = to_floats(joined[:whole], self._layout)
        floats = mix(frames, self._weights)
        return to_shorts(self._stream.resample_chunk(floats) if self._stream else floats).tobytes()

    def finish(self) -> bytes:
        if self._stream is None:
            return b""
        return to_shorts(self._stream.resample_chunk(np.zeros(0, np.float32), last=True)).tobytes()


def _parse(content_type: str) -> tuple[str, wav.Layout]:
    """The bare type, and the layout that its `rate` and `channels` state (24 kHz, one channel, where they do not).

    `audio/L16` is big-endian by RFC 2586; the providers that name it send little-endian, like every other.
    """
    message = Message()
    message["Content-Type"] = content_type.strip() or "application/octet-stream"
    rate, channels = (_number(message.get_param(name)) for name in ("rate", "channels"))
    layout = wav.Layout(
        wav.Encoding.S16,
        channels if channels and channels <= 8 else 1,
        rate if rate and 4000 <= rate <= 384_000 else RATE,
    )
    return content_type.partition(";")[0].strip().lower(), layout


def _number(value: object) -> int | None:
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 7 else None


def _is_text(head: bytes) -> bool:
    """JSON, HTML or plain words: samples are never 16 printable characters in a row at the very start."""
    start = head[:_HEAD_BYTES].lstrip(b"\xef\xbb\xbf \t\r\n")[:16]
    return len(start) > 1 and all(32 <= byte < 127 or byte in b"\t\r\n" for byte in start)


def _wanted(head: bytes, declared: str) -> int:
    """How much of the body has to be seen before it is judged."""
    sync = len(head) > 1 and head[0] == 0xFF and head[1] >= 0xE0 and head[1] != 0xFF
    return _DOUBTFUL_BYTES if sync or declared in _MPEG_TYPES else _HEAD_BYTES
