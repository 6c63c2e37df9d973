"""The reply's sound in the format that the client asked for, whatever the borders of the pieces."""

from __future__ import annotations

import itertools
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_gateway.audio.encode import FORMATS, RATE, encoder_for
from talk_kit.errors import InvalidRequest
from tests.fakes.speech import speech

PCM = speech(2.0, RATE).tobytes()


def encode(name: str, pieces: list[bytes]) -> bytes:
    encoder = encoder_for(name)
    return b"".join(encoder.feed(piece) for piece in pieces) + encoder.finish()


def cut(data: bytes, borders: list[int]) -> list[bytes]:
    edges = [0, *sorted(border % (len(data) + 1) for border in borders), len(data)]
    return [data[first:last] for first, last in itertools.pairwise(edges)]


@pytest.mark.parametrize("name", FORMATS)
@given(borders=st.lists(st.integers(0, 10**6), max_size=20))
@settings(max_examples=25, deadline=None)
def test_the_borders_of_the_pieces_change_nothing(name: str, borders: list[int]) -> None:
    assert encode(name, cut(PCM, borders)) == encode(name, [PCM])


def test_pcm_is_the_samples_and_an_even_number_of_bytes() -> None:
    assert encode("pcm", [PCM[:1], PCM[1:4], PCM[4:]]) == PCM
    assert encode("pcm", [PCM, b"\x01"]) == PCM
    assert encode("pcm", []) == b""
    kind, *parameters = encoder_for("pcm").content_type.split("; ")
    assert kind == "audio/pcm"
    assert parameters == ["rate=24000", "channels=1"]


def test_wav_has_one_header_of_unknown_length_and_no_trailer() -> None:
    out = encode("wav", [PCM, PCM, PCM[:-1]])
    assert out[:4] == b"RIFF"
    assert out[4:8] == out[40:44] == b"\xff" * 4
    assert out[44:] == PCM + PCM + PCM[:-2]
    assert out.count(b"RIFF") == 1
    assert encoder_for("wav").content_type == "audio/wav"


def test_wav_of_nothing_is_a_header() -> None:
    assert len(encode("wav", [])) == 44


def test_mp3_leaves_early_and_decodes_to_the_same_sound() -> None:
    encoder = encoder_for("mp3")
    assert encoder.content_type == "audio/mpeg"
    assert encoder.feed(PCM[: RATE * 2 // 5])
    out = encode("mp3", [PCM])
    assert out[0] == 0xFF
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "mp3", "-i", "pipe:0", "-f", "s16le", "pipe:1"]
    done = subprocess.run(command, input=out, capture_output=True, check=True, timeout=20)
    assert not done.stderr
    heard = np.frombuffer(done.stdout, "<i2").astype(float)
    said = np.frombuffer(PCM, "<i2").astype(float)
    assert abs(len(heard) - len(said)) < RATE / 10
    size = 1 << 18
    echo = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)))
    assert echo.max() / np.linalg.norm(heard) / np.linalg.norm(said) > 0.95


def test_mp3_of_nothing_is_nothing() -> None:
    assert encode("mp3", []) == b""
    assert encode("mp3", [b"\x01"]) == b""


def test_an_unknown_format_names_the_known() -> None:
    with pytest.raises(InvalidRequest, match="mp3, wav, pcm"):
        encoder_for("ogg")
