"""A container is known by its first bytes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_gateway.audio.sniff import HEAD_BYTES, Container, sniff, sniff_file, tag_length
from talk_kit.errors import InvalidRequest, UnsupportedMedia
from tests.fakes.refusal import may_refuse

MP3_FRAME = b"\xff\xfb\x90\x00" + bytes(413)
ADTS_FRAME = bytes([0xFF, 0xF1, 0x50, 0x80, 0x20, 0x1F, 0xFC]) + bytes(249)
ID3 = b"ID3\x04\x00\x00"


def tag(length: int) -> bytes:
    size = bytes([length >> 21 & 127, length >> 14 & 127, length >> 7 & 127, length & 127])
    return ID3 + size + bytes(length)


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"RIFF\xff\xff\xff\xffWAVEfmt ", Container.WAV),
        (b"RF64\xff\xff\xff\xffWAVEds64", Container.WAV),
        (b"RIFX\x00\x00\x00\x24WAVEfmt ", Container.WAV),
        (b"\x1a\x45\xdf\xa3\x01\x00", Container.MATROSKA),
        (b"OggS\x00\x02", Container.OGG),
        (b"\x00\x00\x00\x20ftypM4A ", Container.MP4),
        (b"\x00\x00\x00\x18ftyp3gp5", Container.MP4),
        (b"\x00\x00\x00\x08wide\x00\x00\x10\x00mdat", Container.MP4),
        (b"\x00\x00\x00\x00mdat", Container.MP4),
        (b"fLaC\x00\x00\x00\x22", Container.FLAC),
        (b"caff\x00\x01\x00\x00", Container.CAF),
        (b"FORM\x00\x01\x00\x00AIFFCOMM", Container.AIFF),
        (b"FORM\x00\x01\x00\x00AIFCFVER", Container.AIFF),
        (b"#!AMR\n", Container.AMR),
        (b"#!AMR-WB\n", Container.AMR),
        (b".snd\x00\x00\x00\x18", Container.AU),
        (MP3_FRAME * 4, Container.MPEG),
        (MP3_FRAME, Container.MPEG),
        (bytes(300) + MP3_FRAME * 4, Container.MPEG),
        (b"\xff\xf3\x84\xc4" + bytes(188) + b"\xff\xf3\x84\xc4" + bytes(188) + b"\xff\xf3\x84\xc4", Container.MPEG),
        (ADTS_FRAME * 4, Container.ADTS),
        (tag(50) + MP3_FRAME * 4, Container.MPEG),
        (tag(50) + ADTS_FRAME * 4, Container.ADTS),
        (tag(50) + b"fLaC\x00\x00\x00\x22", Container.FLAC),
        (tag(50), Container.MPEG),
    ],
)
def test_known_bytes(head: bytes, container: Container) -> None:
    assert sniff(head) is container
    assert sniff_file(io.BytesIO(head)) is container


@pytest.mark.parametrize(
    "head",
    [
        b"hello",
        b"x",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfile:///etc/passwd\n",
        b"<?xml version='1.0'?><MPD></MPD>",
        b"%PDF-1.7",
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(100),
        b"RIFF\x00\x00\x00\x00AVI LIST",
        b"RIFF",
        b"ID3",
        b"\x1f\x43\xb6\x75" + bytes(50),
        b"\xff" * 5000,
        bytes(5000),
        b"\xff\xfb\x90\x00" + b"\x00" * 9000,
        b"\x00\x00\x00\x03ftyp",
    ],
)
def test_other_bytes_are_no_audio(head: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        sniff(head[:HEAD_BYTES])


def test_an_empty_recording_is_an_invalid_request() -> None:
    with pytest.raises(InvalidRequest):
        sniff_file(io.BytesIO())


def test_the_sound_behind_a_large_picture_is_looked_at() -> None:
    assert sniff_file(io.BytesIO(tag(300_000) + ADTS_FRAME * 4)) is Container.ADTS
    assert sniff_file(io.BytesIO(tag(300_000) + b"fLaC")) is Container.FLAC


def test_a_tag_with_a_footer_is_ten_bytes_longer() -> None:
    assert tag_length(b"ID3\x04\x00\x10\x00\x00\x00\x05") == 25


@given(st.binary(max_size=HEAD_BYTES) | st.binary(max_size=64).map(lambda tail: b"\xff\xfb\x90\x00" + tail))
def test_any_bytes_are_a_container_or_refused(head: bytes) -> None:
    with may_refuse(400, 415):
        assert isinstance(sniff_file(io.BytesIO(head)), Container)
