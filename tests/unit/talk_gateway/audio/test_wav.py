"""WAV of every common kind is read in the process, and no length in a header is believed."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_gateway.audio.decode import DecodeLimits, Decoder, Recording
from talk_gateway.audio.wav import UNKNOWN_LENGTH, write_header
from talk_kit.errors import InvalidRequest
from tests.fakes.refusal import may_refuse
from tests.fakes.speech import speech, speech_wav

GUID = bytes.fromhex("000000001000800000aa00389b71")
SPEECH = speech(2.0)


async def decode(data: bytes, program: str = "/nonexistent", **limits: float) -> Recording:
    return await Decoder(DecodeLimits(**limits), program=program).decode(data)  # type: ignore[arg-type]


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    return name + struct.pack("<I", len(body) if size is None else size) + body + b"\0" * (len(body) & 1)


def riff(
    tag: int, width: int, channels: int, rate: int, data: bytes, *, size: int | None = None, before: bytes = b""
) -> bytes:
    fmt = struct.pack("<HHIIHH", tag, channels, rate, rate * width * channels, width * channels, width * 8)
    return b"RIFF\xff\xff\xff\xffWAVE" + before + chunk(b"fmt ", fmt) + chunk(b"data", data, size)


def samples(recording: Recording) -> np.ndarray:
    return np.frombuffer(recording.pcm, "<i2").astype(float)


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    length = min(len(one), len(other))
    one, other = one[:length], other[:length]
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


async def test_what_the_page_sends_is_passed_on_bit_for_bit() -> None:
    recording = await decode(speech_wav(2.0))
    assert recording.wav == speech_wav(2.0)
    assert recording.seconds == 2.0
    assert recording.has_speech
    assert recording.require_speech() is recording
    assert recording.loudness.peak_db == pytest.approx(-6, abs=0.1)


@pytest.mark.parametrize(
    ("tag", "kind", "scale"),
    [(1, "<i2", 1), (1, "<i4", 2**16), (3, "<f4", 1 / 2**15), (3, "<f8", 1 / 2**15)],
)
async def test_every_width_is_read(tag: int, kind: str, scale: float) -> None:
    data = (SPEECH.astype(float) * scale).astype(kind).tobytes()
    recording = await decode(riff(tag, np.dtype(kind).itemsize, 1, 16_000, data))
    assert np.abs(samples(recording) - SPEECH).max() <= 1


async def test_eight_and_twenty_four_bits_are_read() -> None:
    low = (SPEECH.astype(int) // 256 + 128).astype(np.uint8).tobytes()
    assert likeness(samples(await decode(riff(1, 1, 1, 16_000, low))), SPEECH) > 0.99
    wide = (SPEECH.astype("<i4") << 8).view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    assert np.array_equal(samples(await decode(riff(1, 3, 1, 16_000, wide))), SPEECH)
    fmt = struct.pack("<HHIIHHHHIH", 0xFFFE, 1, 16_000, 48_000, 3, 24, 22, 24, 4, 1) + GUID
    extensible = b"RIFF\x00\x00\x00\x00WAVE" + chunk(b"fmt ", fmt) + chunk(b"data", wide)
    assert np.array_equal(samples(await decode(extensible)), SPEECH)


def test_telephone_codes_have_the_values_of_g711() -> None:
    from talk_gateway.audio.samples import to_floats, to_shorts
    from talk_gateway.audio.wav import Encoding, Layout

    def values(encoding: Encoding, codes: list[int]) -> list[int]:
        return [int(value) for value in to_shorts(to_floats(bytes(codes), Layout(encoding, 1, 8000))[:, 0])]

    assert values(Encoding.MULAW, [0x00, 0x80, 0xFF, 0x7F, 0xF0]) == [-32124, 32124, 0, 0, 120]
    assert values(Encoding.ALAW, [0x2A, 0xAA, 0xD5, 0x55]) == [-32256, 32256, 8, -8]


@pytest.mark.parametrize("size", [UNKNOWN_LENGTH, 0, 0x7FFFFFFF, 0x80000000, 10**6, 1001, 200])
async def test_a_length_in_the_header_is_not_believed(size: int) -> None:
    recording = await decode(riff(1, 2, 1, 16_000, SPEECH.tobytes(), size=size))
    assert np.array_equal(samples(recording), SPEECH)


@pytest.mark.parametrize(
    "extra", [chunk(b"LIST", b"INFOx"), chunk(b"id3 ", bytes(33)) + chunk(b"LIST", bytes(4)), bytes(7)]
)
async def test_chunks_around_the_samples_are_no_sound(extra: bytes) -> None:
    plain = riff(1, 2, 1, 16_000, SPEECH.tobytes(), before=chunk(b"LIST", b"INFOabc") + chunk(b"JUNK", bytes(90_000)))
    assert np.array_equal(samples(await decode(plain + extra)), SPEECH)


async def test_rf64_states_its_length_elsewhere() -> None:
    sizes = struct.pack("<QQQI", 0, SPEECH.nbytes, 0, 0)
    data = riff(1, 2, 1, 16_000, SPEECH.tobytes(), size=UNKNOWN_LENGTH, before=chunk(b"ds64", sizes))
    assert np.array_equal(samples(await decode(b"RF64" + data[4:] + chunk(b"LIST", b"INFO"))), SPEECH)


async def test_a_recording_that_was_cut_off_is_a_recording() -> None:
    whole = speech_wav(2.0)
    assert np.array_equal(samples(await decode(whole[:40_001])), SPEECH[: (40_001 - 44) // 2])


@pytest.mark.parametrize("rate", [4000, 8000, 11_025, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2])
async def test_every_rate_becomes_sixteen_kilohertz(rate: int, channels: int) -> None:
    said = speech(6.0, rate)
    recording = await decode(riff(1, 2, channels, rate, np.repeat(said, channels).astype("<i2").tobytes()))
    assert recording.seconds == pytest.approx(6.0, abs=0.01)
    assert recording.has_speech


async def test_a_sine_keeps_its_pitch_and_level() -> None:
    time = np.arange(48_000) / 48_000
    sine = (np.sin(2 * np.pi * 1000 * time) * 16_000).astype("<i2")
    out = samples(await decode(riff(1, 2, 1, 48_000, sine.tobytes())))
    spectrum = np.abs(np.fft.rfft(out[:16_000]))
    assert spectrum.argmax() == 1000
    assert np.abs(out[1000:-1000]).max() == pytest.approx(16_000, rel=0.01)


@pytest.mark.parametrize("gains", [(0, 1), (1, 0), (1, -1), (1, -0.9), (1, 1), (0, 0, 0, 0, 0, 1)])
async def test_a_voice_in_any_channel_is_heard(gains: tuple[float, ...]) -> None:
    frames = (SPEECH[:, None] * np.array(gains)).astype("<i2")
    recording = await decode(riff(1, 2, len(gains), 16_000, frames.tobytes()))
    assert recording.has_speech
    assert abs(likeness(samples(recording), SPEECH)) > 0.99


@pytest.mark.parametrize("width", [4, 8])
async def test_numbers_that_are_none_are_silence(width: int) -> None:
    sound = np.concatenate([SPEECH / 32768, [np.nan, np.inf, -np.inf, 1e30]]).astype(f"<f{width}")
    out = samples(await decode(riff(3, width, 1, 16_000, sound.tobytes())))
    assert out[-4:].tolist() == [0, 32767, -32768, 32767]


async def test_two_minutes_are_allowed_and_one_sample_more_is_not() -> None:
    sound = bytes(2 * 16_000 * 3)
    assert (await decode(riff(1, 2, 1, 16_000, sound), max_seconds=3.0)).seconds == 3
    with pytest.raises(InvalidRequest, match="longer than 3 s"):
        await decode(riff(1, 2, 1, 16_000, sound + b"\0\0"), max_seconds=3.0)
    with pytest.raises(InvalidRequest, match="longer than 120 s"):
        await decode(riff(1, 2, 1, 16_000, bytes(2 * 16_000 * 120 + 2), size=10))


async def test_a_large_file_and_an_open_one_are_read(tmp_path: object) -> None:
    said = speech(40.0, 48_000)
    data = riff(1, 2, 1, 48_000, said.tobytes())
    spool = io.BytesIO(data)
    recording = await Decoder(program="/nonexistent").decode(spool)
    assert recording.seconds == pytest.approx(40.0, abs=0.01)
    assert not spool.closed


def test_the_header_that_is_written_says_the_truth() -> None:
    import wave

    with wave.open(io.BytesIO(write_header(24_000, 200) + bytes(200))) as file:
        assert (file.getnframes(), file.getframerate(), file.getnchannels(), file.getsampwidth()) == (100, 24_000, 1, 2)


FMT = st.binary(min_size=16, max_size=40) | st.builds(
    lambda tag, channels, rate, width: struct.pack(
        "<HHIIHH", tag, channels, rate, 0, width * channels % 65_536, width * 8
    ),
    st.sampled_from([1, 3, 6, 7]),
    st.integers(0, 40),
    st.integers(0, 400_000),
    st.integers(0, 9),
)


@given(FMT, st.binary(max_size=5000), st.integers(0, 2**32 - 1) | st.integers(0, 6000), st.binary(max_size=20))
@settings(deadline=None)
async def test_any_wav_is_a_recording_or_refused(fmt: bytes, data: bytes, size: int, before: bytes) -> None:
    file = b"RIFF\0\0\0\0WAVE" + before + chunk(b"fmt ", fmt) + chunk(b"data", data, size)
    with may_refuse(400):
        recording = await decode(file, program="/bin/false", max_seconds=1.0)
        assert 0 <= recording.seconds <= 1.01
        assert len(recording.wav) < 2 * 16_000 * 1.01 + 44
