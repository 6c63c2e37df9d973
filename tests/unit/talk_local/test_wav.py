"""PCM WAV, whatever wrote its header."""

from __future__ import annotations

import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_kit.errors import InvalidRequest, TalkError, UnsupportedMedia
from talk_local import wav

TONE = np.sin(np.arange(1600) * 0.1).astype(np.float32) * 0.5


def header(code: int, channels: int, rate: int, bits: int, extra: bytes = b"") -> bytes:
    frame = channels * bits // 8
    body = struct.pack("<HHIIHH", code, channels, rate, rate * frame, frame, bits) + extra
    return b"fmt " + struct.pack("<I", len(body)) + body


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if size is None else size) + body


def data(body: bytes, size: int | None = None) -> bytes:
    return b"data" + struct.pack("<I", len(body) if size is None else size) + body


def shorts(samples: np.ndarray = TONE) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


def test_what_the_standard_library_writes() -> None:
    out = io.BytesIO()
    with wave.open(out, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(shorts())
    recording = wav.read(out.getvalue())
    assert recording.rate == 16_000
    assert recording.seconds == 0.1
    np.testing.assert_allclose(recording.samples, TONE, atol=1e-4)


@pytest.mark.parametrize(
    ("code", "bits", "body"),
    [
        (1, 8, ((TONE * 127) + 128).astype(np.uint8).tobytes()),
        (1, 16, shorts()),
        (1, 24, b"".join(int(s * (2**23 - 1)).to_bytes(3, "little", signed=True) for s in TONE)),
        (1, 32, (TONE.astype(np.float64) * (2**31 - 1)).astype("<i4").tobytes()),
        (3, 32, TONE.astype("<f4").tobytes()),
        (3, 64, TONE.astype("<f8").tobytes()),
    ],
)
def test_every_plain_format(code: int, bits: int, body: bytes) -> None:
    np.testing.assert_allclose(wav.read(riff(header(code, 1, 44_100, bits), data(body))).samples, TONE, atol=0.02)


def test_an_extensible_header_and_chunks_that_nobody_knows() -> None:
    extension = struct.pack("<HHIH", 22, 16, 0, 1) + b"\x00" * 14
    odd_chunk = b"LIST" + struct.pack("<I", 3) + b"abc\x00"
    recording = wav.read(riff(odd_chunk, header(0xFFFE, 1, 16_000, 16, extension), odd_chunk, data(shorts())))
    assert len(recording.samples) == len(TONE)


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0, 10**6])
def test_a_length_in_the_header_is_not_believed(size: int) -> None:
    streamed = riff(header(1, 1, 16_000, 16), data(shorts(), size=size), size=0xFFFFFFFF)
    assert len(wav.read(streamed).samples) == len(TONE)


def test_channels_are_mixed_so_that_a_voice_on_one_side_is_heard() -> None:
    right_only = np.stack([np.zeros_like(TONE), TONE], axis=1).reshape(-1)
    recording = wav.read(riff(header(1, 2, 48_000, 16), data(shorts(right_only))))
    np.testing.assert_allclose(recording.samples, TONE / 2, atol=1e-4)


def test_a_cut_end_loses_only_the_frame_it_is_in() -> None:
    assert len(wav.read(riff(header(1, 1, 16_000, 16), data(shorts()))[:-3]).samples) == len(TONE) - 2


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"\x1aE\xdf\xa3 webm",
        b"RIFF\x00\x00\x00\x00AVI ",
        riff(),
        riff(data(b"\x00\x00")),
        riff(header(1, 1, 16_000, 16)),
        riff(header(7, 1, 8_000, 8), data(b"\x00")),
        riff(header(1, 0, 16_000, 16), data(b"\x00\x00")),
        riff(header(1, 1, 1, 16), data(b"\x00\x00")),
        riff(b"fmt \x04\x00\x00\x00abcd", data(b"\x00\x00")),
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(UnsupportedMedia):
        wav.read(body)


def test_nothing_is_refused_as_empty() -> None:
    with pytest.raises(InvalidRequest):
        wav.read(b"")


def test_numbers_that_are_none_become_silence() -> None:
    body = np.array([np.nan, np.inf, 0.5], "<f4").tobytes()
    assert wav.read(riff(header(3, 1, 16_000, 32), data(body))).samples.tolist() == [0, 0, 0.5]


@given(st.binary(max_size=200), st.integers(0, 60))
def test_no_bytes_break_the_reader(noise: bytes, keep: int) -> None:
    for body in (noise, riff(header(1, 1, 16_000, 16), data(shorts()))[:keep] + noise):
        try:
            assert np.isfinite(wav.read(body).samples).all()
        except TalkError:
            continue
