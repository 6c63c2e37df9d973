"""What a speech provider sends becomes 24 kHz samples, or the error that it is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_gateway.audio.encode import encoder_for
from talk_gateway.audio.speech_body import PcmReader
from talk_gateway.audio.wav import UNKNOWN_LENGTH, write_header
from talk_kit.errors import NoAudio, ProviderFailed
from tests.fakes.refusal import may_refuse
from tests.fakes.speech import speech, wav

RATE = 24_000
PCM = speech(1.0, RATE).tobytes()


def read(body: bytes, content_type: str = "audio/pcm", step: int = 4096) -> bytes:
    reader = PcmReader(content_type)
    pieces = [reader.feed(body[at : at + step]) for at in range(0, len(body), step)]
    assert all(len(piece) % 2 == 0 for piece in pieces)
    return b"".join(pieces) + reader.finish()


@pytest.mark.parametrize(
    "content_type",
    [
        "audio/pcm",
        "audio/pcm; rate=24000",
        "audio/L16;codec=pcm;rate=24000",
        "application/octet-stream",
        "",
        "audio/mpeg",
    ],
)
@pytest.mark.parametrize("step", [1, 7, 63, 65, 4096, 10**6])
def test_samples_pass_untouched(content_type: str, step: int) -> None:
    assert read(PCM, content_type, step) == PCM


def test_half_a_sample_at_the_end_is_dropped() -> None:
    assert read(PCM[:-1]) == PCM[:-2]
    assert read(b"\x01\x02\x03") == b"\x01\x02"


@pytest.mark.parametrize("length", [UNKNOWN_LENGTH, 0, 0x7FFFFFFF, len(PCM)])
@pytest.mark.parametrize("content_type", ["audio/pcm", "audio/wav", "audio/x-wav", "application/octet-stream"])
@pytest.mark.parametrize("step", [1, 50, 4096])
def test_a_wav_header_is_taken_off(length: int, content_type: str, step: int) -> None:
    assert read(write_header(RATE, length) + PCM, content_type, step) == PCM


def test_what_follows_the_samples_of_a_wav_is_not_played() -> None:
    assert read(wav(speech(1.0, RATE), RATE) + b"LIST\x04\x00\x00\x00INFO") == PCM


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000])
def test_another_rate_is_resampled(rate: int) -> None:
    for out in (
        read(wav(speech(1.0, rate), rate), step=777),
        read(speech(1.0, rate).tobytes(), f"audio/pcm; rate={rate}", step=777),
    ):
        assert abs(len(out) / 2 - RATE) <= 2
        assert np.abs(np.frombuffer(out, "<i2")).max() > 10_000


def test_two_channels_become_one() -> None:
    both = np.repeat(np.frombuffer(PCM, "<i2"), 2).tobytes()
    assert read(both, "audio/pcm; rate=24000; channels=2", 101) == PCM


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b'{"error": {"message": "no such voice"}}', "application/json"),
        (b'{"error": {"message": "no such voice"}}', "audio/pcm"),
        (b'{"error": 1}', "audio/mpeg"),
        (b"<!DOCTYPE html><html><body>Bad gateway</body></html>", "text/html"),
        (b"<html>", "audio/pcm"),
        (b"\xef\xbb\xbf\n  Internal Server Error, sorry", "application/octet-stream"),
        (PCM, "text/plain"),
        (PCM, "video/mp4"),
        (PCM, "audio/aac"),
        (b"OggS" + bytes(200), "audio/pcm"),
        (b"fLaC" + bytes(200), "audio/wav"),
        (b"ID3\x04\x00\x00\x00\x00\x00\x0a" + bytes(200), "audio/pcm"),
        (b"RIFF\xff\xff\xff\xffWAVEfmt \x10\x00\x00\x00\x02\x00\x01\x00" + bytes(200), "audio/wav"),
        (b"RIFF\xff\xff\xff\xffWAVEJUNK\x00\x00\x10\x00" + bytes(80_000), "audio/wav"),
    ],
)
@pytest.mark.parametrize("step", [3, 4096])
def test_an_error_or_another_codec_is_the_providers_failure(body: bytes, content_type: str, step: int) -> None:
    with pytest.raises(ProviderFailed) as failure:
        read(body, content_type, step)
    assert "voice" not in failure.value.detail


@pytest.mark.parametrize("content_type", ["audio/pcm", "audio/mpeg", "audio/wav"])
def test_mp3_is_not_taken_for_samples(content_type: str) -> None:
    encoder = encoder_for("mp3")
    body = encoder.feed(PCM) + encoder.finish()
    with pytest.raises(ProviderFailed):
        read(body, content_type)


@pytest.mark.parametrize(
    "body", [b"", b"\x00", write_header(RATE), write_header(RATE)[:30], write_header(RATE) + b"\x01"]
)
def test_success_without_sound_is_no_audio(body: bytes) -> None:
    with pytest.raises(NoAudio):
        read(body, "audio/wav")


@given(
    st.binary(max_size=3000), st.integers(1, 900), st.text(max_size=40) | st.sampled_from(["audio/pcm", "audio/wav"])
)
@settings(deadline=None)
def test_any_body_is_samples_or_a_failure_of_the_provider(body: bytes, step: int, content_type: str) -> None:
    with may_refuse(502):
        assert read(body, content_type, step)


@given(st.binary(max_size=600), st.integers(1, 50))
@settings(deadline=None)
def test_any_wav_is_samples_or_a_failure_of_the_provider(rest: bytes, step: int) -> None:
    for head in (b"RIFF\xff\xff\xff\xffWAVE", write_header(22_050)[:36]):
        with may_refuse(502):
            assert read(head + rest, "audio/wav", step)


def test_a_header_without_end_in_single_bytes_is_not_read_again_at_each() -> None:
    """Which took a minute and more for the 64 KiB that a header may have."""
    reader = PcmReader("audio/wav")
    header = b"RIFF\xff\xff\xff\xffWAVE" + b"LIST\0\0\0\0" * 20_000
    with pytest.raises(ProviderFailed):
        for at in range(len(header)):
            assert reader.feed(header[at : at + 1]) == b""
