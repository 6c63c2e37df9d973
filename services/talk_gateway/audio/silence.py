"""Is there speech? Asked before any ASR is: such a model invents words for silence.

Speech is told from noise by what noise does not do: its level in many bands at once goes up and down, over the level
that the same band has in the pauses. Rooms, hums and tones are steady, taps and clicks are short. The absolute level
decides nothing above the last bit, so that a faint voice is heard; the mean of a wire with an offset is in no band.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from talk_gateway.audio.samples import Floats, Shorts

RATE = 16_000
_FRAME, _HOP, _FFT = 640, 320, 1024
HOP_SECONDS = _HOP / RATE

_EDGES_HZ = (120, 220, 320, 430, 560, 710, 890, 1100, 1350, 1650, 2000, 2450, 3000, 3700, 5000, 7200)
"""Fifteen bands, about equally wide to the ear; below 120 Hz is hum, above 7.2 kHz what resampling leaves."""

_PITCH_HZ = (75, 400)
_VOICED_BAND = 1000 * _FFT // RATE
_LAGS = 256

_ACTIVE_DB = 5.0
"""Mean over the bands of how far a frame is above the floor. Steady noise reaches 3, speech at 10 dB SNR 8."""
_CAP_DB = 20.0
"""One band counts at most this much: a beep fills one band and is no speech."""
_MASKED_DB = 40.0
"""A band this far below the loudest of its moment proves nothing: that is how far a tone leaks through the window."""
_FLOOR_SHARE = 15.0
_ONE_WORD_SECONDS = 1.0
_VOICED_WORD = 0.45
_STEADY_DB = 1.5
"""Median deviation of the bands' levels: a hum has 0.2, a vowel that is held 3."""
_PERIODIC = 0.55
_VOICED_SECONDS = 0.08
_VOICED_SHARE = 0.2
"""Noise that fades in has a pitch by chance in some of its frames, a voice in most of them."""
_UNVOICED_SECONDS = (0.14, 1.5)
_UNVOICED_DB = 8.0
"""A whisper in a quiet room stands this far out; noise that grows only just crosses the line, in pieces."""
_SPOKEN_SECONDS = 0.14
"""The least sound in all: a tap on the button is 80 ms (seen as 120 through frames of 40), a short yes 300."""

_WINDOW = np.hanning(_FRAME).astype(np.float32)
_BLOCK_FRAMES = 50


@dataclass(frozen=True, slots=True)
class Loudness:
    """Levels in dB of full scale (0 is the loudest, -inf digital silence); the seconds in which someone speaks."""

    peak_db: float
    rms_db: float
    speech_seconds: float


def listen(samples: Shorts) -> Loudness:
    """Measure one channel at 16 kHz. About 0.5 ms of CPU a second of sound; memory does not grow with its length."""
    if not len(samples):
        return Loudness(-np.inf, -np.inf, 0.0)
    peak = max(int(samples.max()), -int(samples.min())) / 32768
    power = float(np.mean(np.square(samples, dtype=np.float32), dtype=np.float64)) / 32768**2
    return Loudness(_decibel(peak * peak), _decibel(power), _speech_seconds(samples))


def _decibel(power: float) -> float:
    return 10 * float(np.log10(power)) if power > 0 else -np.inf


def _speech_seconds(samples: Shorts) -> float:
    bands, periodic = _features(samples)
    loud = bands.max(axis=1) > _LAST_BIT_DB
    if np.count_nonzero(loud) * HOP_SECONDS < _SPOKEN_SECONDS:
        return 0.0
    heard = bands > bands.max(axis=1, keepdims=True) - _MASKED_DB
    above = (np.clip(bands - _floor(bands[loud], periodic[loud]), 0, _CAP_DB) * heard).mean(axis=1)
    active = (above > _ACTIVE_DB) & loud
    spoken = sum(last - first for first, last in _runs(active) if _is_speech(periodic[first:last], above[first:last]))
    return spoken * HOP_SECONDS if spoken * HOP_SECONDS >= _SPOKEN_SECONDS else 0.0


def _floor(bands: Floats, periodic: NDArray[np.bool_]) -> Floats:
    """The level of each band in the pauses: of the softest seventh.

    A word that was cut out, or that stands between digital silence, has no pauses. If it has a pitch and is not as
    steady as a hum, it is held against its own loudest moment.
    """
    seconds = len(bands) * HOP_SECONDS
    floor = np.percentile(bands, _FLOOR_SHARE * min(1.0, seconds), axis=0)
    if seconds < _ONE_WORD_SECONDS and periodic.mean() > _VOICED_WORD:
        spread = np.median(np.abs(bands - np.median(bands, axis=0)), axis=0).mean()
        if spread > _STEADY_DB:
            floor = np.minimum(floor, bands.max(axis=0) - _CAP_DB)
    return np.asarray(floor, dtype=np.float32)


def _is_speech(periodic: NDArray[np.bool_], above: Floats) -> bool:
    """Of one stretch of sound: it has a pitch for long enough, or is as long as a whispered word, not as a gust."""
    least, most = _UNVOICED_SECONDS
    if np.count_nonzero(periodic) >= max(_VOICED_SECONDS / HOP_SECONDS, _VOICED_SHARE * len(periodic)):
        return True
    return least <= len(periodic) * HOP_SECONDS <= most and float(above.max()) > _UNVOICED_DB


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and last + 1 of each stretch of true flags."""
    edges = np.flatnonzero(np.diff(flags, prepend=False, append=False))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]


def _features(samples: Shorts) -> tuple[Floats, NDArray[np.bool_]]:
    """Of each frame: the level of every band (dB over one bit's white noise), and whether it has a pitch."""
    short = _FRAME - len(samples)
    padded = np.pad(samples, (0, short)) if short > 0 else samples
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    parts = [_measure(frames[at : at + _BLOCK_FRAMES]) for at in range(0, len(frames), _BLOCK_FRAMES)]
    return np.concatenate([levels for levels, _ in parts]), np.concatenate([pitched for _, pitched in parts])


def _measure(frames: Shorts) -> tuple[Floats, NDArray[np.bool_]]:
    centred = frames - frames.mean(axis=1, keepdims=True, dtype=np.float32)
    spectrum = np.fft.rfft(centred * _WINDOW, _FFT)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    bands = np.add.reduceat(power, _BINS, axis=1)[:, :-1] / (np.diff(_BINS) * np.float32(np.sum(_WINDOW**2)))
    return 10 * np.log10(bands + np.float32(0.1)), _is_periodic(power)


def _is_periodic(power: Floats) -> NDArray[np.bool_]:
    """Whether the sound between 120 Hz and 1 kHz repeats after some period of a human pitch."""
    low = power[:, :_VOICED_BAND].copy()
    low[:, : _BINS[0]] = 0
    echo = np.fft.irfft(low, _LAGS) / _WINDOW_ECHO
    first, last = (_LAGS * RATE // (_FFT * hertz) for hertz in reversed(_PITCH_HZ))
    strongest = echo[:, first : last + 1].max(axis=1)
    return np.asarray(strongest > _PERIODIC * np.maximum(echo[:, 0], 1e-9))


_BINS = np.array([round(hertz * _FFT / RATE) for hertz in _EDGES_HZ])
_LAST_BIT_DB = 0.0


def _window_echo() -> Floats:
    """The autocorrelation of the window, by which every frame's own is multiplied, at a quarter of the rate."""
    whole = np.correlate(_WINDOW, _WINDOW, "full")[_FRAME - 1 :]
    step = _FFT // _LAGS
    echo = np.full(_LAGS, np.inf, dtype=np.float32)
    echo[: len(whole[::step])] = np.maximum(whole[::step] / whole[0], 0.05)
    return echo


_WINDOW_ECHO = _window_echo()
