"""Sound that is like speech: syllables with a pitch that moves, formants, hisses, pauses. One seed, one sound."""

from __future__ import annotations

from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray

from talk_gateway.audio.wav import write_header

Shorts = NDArray[np.int16]
Doubles = NDArray[np.float64]

_RATE = 24_000
_VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (660, 1720, 2410),
)
"""First three formants in Hz (Peterson and Barney, men)."""


@cache
def speech(seconds: float = 3.0, rate: int = 16_000, seed: int = 0, level_db: float = -6.0) -> Shorts:
    """One channel whose loudest sample is near `level_db` of full scale, a fifth of it pauses; the same at any rate."""
    rng = np.random.default_rng(seed)
    length = round(seconds * _RATE)
    parts: list[Doubles] = [np.zeros(round(0.05 * _RATE))]
    while sum(map(len, parts)) < length:
        parts += [_syllable(rng) for _ in range(rng.integers(2, 6))]
        parts.append(np.zeros(round(rng.uniform(0.1, 0.25) * _RATE)))
    return _at(np.concatenate(parts)[:length], level_db, rate)


def word(rate: int = 16_000, seed: int = 0, level_db: float = -6.0) -> Shorts:
    """A word of one syllable, 0.3 s, with a tenth of a second of nothing on either side."""
    quiet = np.zeros(round(0.1 * _RATE))
    rng = np.random.default_rng(seed)
    return _at(np.concatenate([quiet, _syllable(rng, 0.2), _hiss(rng, 0.1), quiet]), level_db, rate)


def noise(
    seconds: float = 2.0, rate: int = 16_000, seed: int = 0, level_db: float = -50.0, slope: float = 0.0
) -> Shorts:
    """Steady noise whose RMS is `level_db`; its amplitude falls with frequency to the `slope` (1/2 is pink)."""
    rng = np.random.default_rng(seed)
    frequencies = np.fft.rfftfreq(round(seconds * rate), 1 / rate)
    spectrum = rng.normal(size=len(frequencies)) + 1j * rng.normal(size=len(frequencies))
    sound = np.fft.irfft(spectrum / np.maximum(frequencies, 20) ** slope, round(seconds * rate))
    return to_shorts(sound / sound.std() * 10 ** (level_db / 20))


def wav(samples: Shorts, rate: int = 16_000) -> bytes:
    """A WAV file, one channel, true lengths."""
    return write_header(rate, samples.nbytes) + samples.tobytes()


def speech_wav(seconds: float = 3.0, rate: int = 16_000, seed: int = 0, level_db: float = -6.0) -> bytes:
    """`speech` as a file: what the page sends."""
    return wav(speech(seconds, rate, seed, level_db), rate)


def to_shorts(sound: Doubles) -> Shorts:
    """Full scale 1.0 to 16 bits."""
    return np.asarray(np.clip(np.rint(sound * 32767), -32768, 32767), dtype=np.int16)


def _at(sound: Doubles, level_db: float, rate: int) -> Shorts:
    level = sound / np.abs(sound).max() * 10 ** (level_db / 20)
    return to_shorts(np.asarray(soxr.resample(level, _RATE, rate)))


def _syllable(rng: np.random.Generator, seconds: float | None = None) -> Doubles:
    """A hiss at the start of every other one, then a vowel that glides to another, under one breath of loudness."""
    seconds = seconds or rng.uniform(0.12, 0.22)
    time = np.arange(round(seconds * _RATE)) / _RATE
    share = time / seconds
    pitch = rng.uniform(95, 140) * (1 + 0.15 * np.sin(np.pi * share)) * (1 - 0.1 * share)
    phase = 2 * np.pi * np.cumsum(pitch) / _RATE
    first, last = (np.array(_VOWELS[index]) for index in rng.choice(len(_VOWELS), 2, replace=False))
    formants = first[:, None] + (last - first)[:, None] * share
    sound = np.zeros(len(time))
    for harmonic in range(1, 26):
        sound += _gain(pitch * harmonic, formants) / harmonic * np.sin(harmonic * phase)
    sound *= np.sin(np.pi * share) ** 0.5
    sound /= np.abs(sound).max()
    if rng.random() < 0.5:
        return np.concatenate([_hiss(rng, 0.06), sound])
    return sound


def _gain(hertz: Doubles, formants: Doubles) -> Doubles:
    widths = np.array([60.0, 90.0, 150.0])[:, None]
    return np.asarray((1 / (1 + ((hertz - formants) / widths) ** 2)).sum(axis=0) + 0.01)


def _hiss(rng: np.random.Generator, seconds: float) -> Doubles:
    length = round(seconds * _RATE)
    bright = np.diff(rng.normal(size=length + 1))
    return np.asarray(bright / np.abs(bright).max() * 0.15 * np.sin(np.pi * np.arange(length) / length))
