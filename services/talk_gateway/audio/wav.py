"""WAV: the header that others wrote, read with distrust, and the one that Talk writes."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum

HEADER_BYTES = 44
UNKNOWN_LENGTH = 0xFFFFFFFF
"""What programs write that stream a WAV and cannot know its length; 0 is the other custom."""

_PCM, _FLOAT, _ALAW, _MULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")


class Encoding(Enum):
    """How one sample is written; the value is its width in bytes and a letter that tells kinds apart."""

    U8 = "1u"
    S16 = "2i"
    S24 = "3i"
    S32 = "4i"
    F32 = "4f"
    F64 = "8f"
    MULAW = "1m"
    ALAW = "1a"

    @property
    def width(self) -> int:
        """Bytes of one sample of one channel."""
        return int(self.value[0])


_KINDS = {_PCM: {1: "1u", 2: "2i", 3: "3i", 4: "4i"}, _FLOAT: {4: "4f", 8: "8f"}, _MULAW: {1: "1m"}, _ALAW: {1: "1a"}}


@dataclass(frozen=True, slots=True)
class Layout:
    """What the samples are. `rate` in Hz, `channels` at least 1."""

    encoding: Encoding
    channels: int
    rate: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return self.encoding.width * self.channels


@dataclass(frozen=True, slots=True)
class Header:
    """`start` is the offset of the first sample; `stated` the bytes of samples that the file claims, if it does."""

    layout: Layout
    start: int
    stated: int | None


class UnreadableWav(ValueError):
    """A codec, a rate or a structure that this module does not read; another decoder may."""


def parse_header(head: bytes) -> Header | None:
    """The header that `head`, the first bytes of a file, holds; None when it needs more bytes.

    Raises UnreadableWav. Sizes are only used to skip chunks before the samples, never to allocate.
    """
    if len(head) < 12:
        return None
    if head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:12] != b"WAVE":
        raise UnreadableWav("no RIFF header")
    at, layout, long_length = 12, None, None
    while len(head) >= at + 8:
        name, size = head[at : at + 4], int.from_bytes(head[at + 4 : at + 8], "little")
        at += 8
        if name == b"data":
            return _found(layout, at, long_length if size == UNKNOWN_LENGTH else size)
        if len(head) < at + size:
            return None
        if name == b"fmt ":
            layout = _layout(head[at : at + size])
        elif name == b"ds64" and size >= 16:
            long_length = int.from_bytes(head[at + 8 : at + 16], "little")
        at += size + (size & 1)
    return None


def _found(layout: Layout | None, start: int, stated: int | None) -> Header:
    if layout is None:
        raise UnreadableWav("samples before their format")
    return Header(layout, start, stated or None)


def _layout(chunk: bytes) -> Layout:
    if len(chunk) < 16:
        raise UnreadableWav("format chunk too short")
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", chunk)
    if tag == _EXTENSIBLE and len(chunk) >= 40 and chunk[26:40] == _GUID_TAIL:
        tag = int.from_bytes(chunk[24:26], "little")
    width, rest = divmod(block, channels or 1)
    kind = _KINDS.get(tag, {}).get(width)
    if kind is None or rest or not 1 <= channels <= 32 or not 4000 <= rate <= 384_000 or bits > width * 8:
        raise UnreadableWav(f"format {tag}, {channels} channels of {width} bytes at {rate} Hz")
    return Layout(Encoding(kind), channels, rate)


def data_length(header: Header, available: int, tail: bytes) -> int:
    """How many bytes of samples there are, of `available` after the header's end.

    The stated length is believed only when it fits and what follows it (`tail`, its first 8 bytes) looks like another
    chunk; else all that is there is sound.
    """
    stated = header.stated
    if stated is None or stated >= available:
        length = available
    elif len(tail) < 8 or _is_chunk(tail, available - stated):
        length = stated
    else:
        length = available
    return length - length % header.layout.frame_bytes


def _is_chunk(tail: bytes, room: int) -> bool:
    printable = all(32 <= byte < 127 for byte in tail[:4])
    return printable and int.from_bytes(tail[4:8], "little") <= room


def write_header(rate: int, length: int = UNKNOWN_LENGTH) -> bytes:
    """The 44 bytes before mono s16le samples at `rate` Hz; `length` is that of the samples in bytes."""
    whole = UNKNOWN_LENGTH if length == UNKNOWN_LENGTH else length + HEADER_BYTES - 8
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI", b"RIFF", whole, b"WAVE", b"fmt ", 16, _PCM, 1, rate, rate * 2, 2, 16, b"data", length
    )
