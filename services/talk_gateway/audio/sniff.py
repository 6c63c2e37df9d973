"""Which container a recording is in, by its first bytes; a name and a declared type are never asked."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import BinaryIO

from talk_kit.errors import InvalidRequest, UnsupportedMedia

HEAD_BYTES = 8192
"""Enough for an MPEG frame after some padding, with the two frames behind it (1,441 bytes each at the most)."""


class Container(Enum):
    """The value is the name of ffmpeg's demuxer, which is forced: it must not guess, a playlist is a guess too."""

    WAV = "wav"
    MATROSKA = "matroska"
    OGG = "ogg"
    MP4 = "mov"
    FLAC = "flac"
    MPEG = "mp3"
    ADTS = "aac"
    CAF = "caf"
    AIFF = "aiff"
    AMR = "amr"
    AU = "au"
    ASF = "asf"
    WAVE64 = "w64"


_PREFIXES = (
    (b"\x1a\x45\xdf\xa3", Container.MATROSKA),
    (b"OggS", Container.OGG),
    (b"fLaC", Container.FLAC),
    (b"caff\x00", Container.CAF),
    (b"#!AMR", Container.AMR),
    (b".snd\x00\x00", Container.AU),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", Container.ASF),
    (b"riff\x2e\x91\xcf\x11", Container.WAVE64),
)
_SCAN_BYTES = 2048
_RATES = (44100, 48000, 32000)
_KILOBITS = {
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"sidx", b"free", b"skip", b"wide", b"pnot"})
_UNKNOWN = (
    "The bytes are not of an audio file that Talk can read. Send WAV, WebM, Ogg, MP4, MP3, AAC, FLAC, AIFF, CAF, "
    "AMR or WMA, from its first byte on."
)


def sniff_file(file: BinaryIO) -> Container:
    """The container of an open, seekable file; its position is at the start afterwards.

    Raises InvalidRequest for an empty file, UnsupportedMedia for bytes of no known container.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    start = tag_length(head)
    if start >= len(head) > 0:
        file.seek(start)
        head = head[:10] + file.read(HEAD_BYTES)
        start = 10
    file.seek(0)
    return sniff(head, start)


def sniff(head: bytes, start: int | None = None) -> Container:
    """As `sniff_file`, for the first `HEAD_BYTES` of a file; the sound begins at `start`, after any ID3 tag."""
    if not head:
        raise InvalidRequest("The recording is empty.")
    skip = tag_length(head) if start is None else start
    found = _by_prefix(head[skip:]) or _mpeg(head[skip:])
    if found is None and skip:
        found = Container.MPEG
    if found is None:
        raise UnsupportedMedia(_UNKNOWN)
    return found


def tag_length(head: bytes) -> int:
    """How many bytes of ID3v2 tag stand first; the size that the tag states, which may be beyond `head`."""
    if len(head) < 10 or head[:3] != b"ID3" or max(head[6:10]) > 127:
        return 0
    size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
    footer = 10 if head[5] & 0x10 else 0
    return 10 + size + footer


def _by_prefix(head: bytes) -> Container | None:
    for prefix, container in _PREFIXES:
        if head.startswith(prefix):
            return container
    if head[:4] in (b"RIFF", b"RIFX", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return Container.WAV
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Container.AIFF
    return Container.MP4 if _is_box(head) else None


def _is_box(head: bytes) -> bool:
    size = int.from_bytes(head[:4], "big")
    return head[4:8] in _BOXES and (size >= 8 or size in (0, 1))


def _mpeg(head: bytes) -> Container | None:
    """MPEG audio or ADTS: a frame whose length leads to another one, and that to a third, or to the end.

    One sync word is no proof: any sound of small negative samples begins with 0xff.
    """
    at = head.find(b"\xff", 0, _SCAN_BYTES)
    while at >= 0:
        if _is_chain(head, at, _mpeg_frame):
            return Container.MPEG
        if _is_chain(head, at, _adts_frame):
            return Container.ADTS
        at = head.find(b"\xff", at + 1, _SCAN_BYTES)
    return None


def _is_chain(head: bytes, start: int, frame_length: Callable[[bytes], int]) -> bool:
    at = start
    for frames in range(3):
        if at >= len(head):
            return frames >= (2 if start else 1)
        length = frame_length(head[at : at + 6])
        if not length:
            return False
        at += length
    return True


def _mpeg_frame(header: bytes) -> int:
    """The length in bytes of the MPEG-1/2/2.5 audio frame of layers 1 to 3 that begins here; 0 when none does."""
    if len(header) < 4 or header[0] != 0xFF or header[1] < 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    index, rate = header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or layer == 4 or index in (0, 15) or rate == 3:
        return 0
    first = version == 3
    kilobits = _KILOBITS[(first, layer if first or layer == 1 else 2)][index - 1]
    hertz = _RATES[rate] >> (0 if first else 2 - (version == 2))
    padding = header[2] >> 1 & 1
    if layer == 1:
        return (12_000 * kilobits // hertz + padding) * 4
    return (72_000 if layer == 3 and not first else 144_000) * kilobits // hertz + padding


def _adts_frame(header: bytes) -> int:
    """The length in bytes of the ADTS frame that begins here; 0 when none does."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0
