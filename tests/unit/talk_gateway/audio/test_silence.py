"""Speech is heard at any level; silence, steady noise, hums, tones, taps and clicks are not speech."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_gateway.audio.silence import listen
from tests.fakes.speech import Shorts, noise, speech, to_shorts, word

RATE = 16_000
TIME = np.arange(2 * RATE) / RATE
LEVELS = [-80, -60, -50, -40, -30, -20]


def spoken(samples: Shorts) -> float:
    return listen(samples).speech_seconds


def mixed(*sounds: Shorts) -> Shorts:
    return to_shorts(sum(sound.astype(float) for sound in sounds) / 32767)  # type: ignore[arg-type]


def amplitude(level_db: float) -> float:
    return float(10 ** (level_db / 20))


def test_nothing_at_all() -> None:
    assert listen(np.zeros(0, np.int16)).peak_db == -np.inf
    assert spoken(np.zeros(1, np.int16)) == 0
    assert spoken(np.zeros(2 * RATE, np.int16)) == 0


def test_dither_on_silence_is_silence() -> None:
    assert spoken(np.random.default_rng(1).integers(-1, 2, 2 * RATE).astype(np.int16)) == 0


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("slope", [0.0, 0.5, 1.0], ids=["white", "pink", "brown"])
@pytest.mark.parametrize("seconds", [0.2, 0.5, 2, 6])
def test_steady_noise_is_no_speech(level: float, slope: float, seconds: float) -> None:
    for seed in range(3):
        assert spoken(noise(seconds, seed=seed, level_db=level, slope=slope)) == 0


@pytest.mark.parametrize("level", LEVELS)
def test_a_microphone_that_opens_late_into_a_quiet_room(level: float) -> None:
    sound = noise(2, level_db=level, slope=0.5).copy()
    sound[: RATE // 3] = 0
    assert spoken(sound) == 0


def test_noise_that_fades_in_is_no_speech() -> None:
    fade = amplitude(-60) * 10 ** (np.arange(3 * RATE) / (3 * RATE))
    assert spoken(to_shorts(noise(3, level_db=0, slope=0.5) / 32767 * fade)) == 0


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("mains", [50, 60])
def test_hum_is_no_speech(level: float, mains: int) -> None:
    hum = sum(np.sin(2 * np.pi * mains * harmonic * TIME + harmonic) / harmonic for harmonic in range(1, 12))
    assert spoken(mixed(to_shorts(np.asarray(hum) * amplitude(level) * 0.5), noise(2, level_db=level - 20))) == 0


@pytest.mark.parametrize("hertz", [100, 200, 440, 1000, 3000])
@pytest.mark.parametrize("level", LEVELS)
def test_tones_and_beeps_are_no_speech(hertz: int, level: float) -> None:
    tone = np.sin(2 * np.pi * hertz * TIME) * amplitude(level)
    assert spoken(to_shorts(tone)) == 0
    assert spoken(mixed(to_shorts(tone * ((TIME > 0.5) & (TIME < 0.9))), noise(2, level_db=-78))) == 0


@pytest.mark.parametrize("offset", [3, 288, 4000, -20_000])
def test_an_offset_is_no_speech(offset: int) -> None:
    assert spoken(np.full(2 * RATE, offset, np.int16)) == 0
    step = np.zeros(2 * RATE, np.int16)
    step[RATE:] = offset
    assert spoken(mixed(step, noise(2, level_db=-80))) == 0


@pytest.mark.parametrize("seed", range(5))
def test_clicks_and_taps_are_no_speech(seed: int) -> None:
    sound = noise(2, seed=seed, level_db=-75).copy()
    for start in np.random.default_rng(seed).integers(0, 2 * RATE - 200, 6):
        sound[start : start + 100] = noise(100 / RATE, seed=start, level_db=-10)
    assert spoken(sound) == 0
    tap = noise(2, seed=seed, level_db=-75).copy()
    tap[9000:10_280] = noise(0.08, seed=seed, level_db=-15, slope=0.5) * np.exp(-np.arange(1280) / 400)
    assert spoken(tap) == 0


def test_eighty_milliseconds_of_a_voice_are_no_speech() -> None:
    for seed in range(5):
        assert spoken(speech(1.0, seed=seed)[4000:5280]) == 0


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("level", [0, -6, -20, -40, -50])
def test_speech_is_heard_at_any_level(seed: int, level: float) -> None:
    assert spoken(speech(3.0, seed=seed, level_db=level)) > 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("slope", [0.0, 0.5])
def test_speech_is_heard_in_noise(seed: int, slope: float) -> None:
    voice = speech(3.0, seed=seed, level_db=-10)
    level = listen(voice).rms_db - 10
    assert spoken(mixed(voice, noise(3.0, seed=seed, level_db=level, slope=slope))) > 0.3


@pytest.mark.parametrize("seed", range(5))
def test_speech_is_heard_among_other_voices(seed: int) -> None:
    others = [speech(3.0, seed=100 + seed * 9 + other, level_db=-30) for other in range(6)]
    assert spoken(mixed(speech(3.0, seed=seed, level_db=-6), *others)) > 0.3


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("level", [-6, -40])
def test_a_short_word_is_heard(seed: int, level: float) -> None:
    assert spoken(word(seed=seed, level_db=level)) > 0
    late = np.pad(word(seed=seed, level_db=-20), (RATE, RATE))
    assert spoken(mixed(late, noise(len(late) / RATE, level_db=-70))) > 0


@pytest.mark.parametrize("seed", range(5))
def test_a_whisper_is_heard(seed: int) -> None:
    voice = speech(2.0, seed=seed).astype(float) / 32767
    loudness = np.convolve(np.abs(voice), np.ones(400) / 400, "same")
    hiss = noise(2.0, seed=seed, level_db=0, slope=0.5) / 32767
    assert spoken(mixed(to_shorts(hiss * loudness * 0.05), noise(2.0, level_db=-80))) > 0


@given(st.binary(max_size=20_000), st.integers(1, 300))
@settings(max_examples=60, deadline=None)
def test_any_samples_have_a_loudness(data: bytes, times: int) -> None:
    sound = (data * times)[: 20 * RATE]
    samples = np.frombuffer(sound, "<i2", count=len(sound) // 2)
    loudness = listen(samples)
    assert loudness.rms_db <= loudness.peak_db + 0.01 <= 0.02 or not len(samples)
    assert 0 <= loudness.speech_seconds <= len(samples) / RATE + 0.1
