"""Samples as files hold them, as floats, and mixed to one channel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache

import numpy as np
import soxr
from numpy.typing import NDArray

from talk_gateway.audio.wav import Encoding, Layout

Floats = NDArray[np.float32]
Shorts = NDArray[np.int16]


def to_floats(data: bytes | memoryview, layout: Layout) -> Floats:
    """Whole frames as an array of frames x channels, full scale at 1.0; what is not a number is 0."""
    flat = _READERS[layout.encoding](data)
    return flat.reshape(-1, layout.channels)


def to_shorts(floats: Floats) -> Shorts:
    """One channel as 16-bit samples, clipped."""
    scaled = np.rint(floats * 32768.0)
    return np.asarray(np.clip(scaled, -32768, 32767), dtype=np.int16)


def mix(frames: Floats, weights: Floats) -> Floats:
    """One channel out of frames x channels."""
    if frames.shape[1] == 1:
        return frames[:, 0]
    return np.asarray(frames @ weights, dtype=np.float32)


def mixing_weights(blocks: Iterable[Floats], channels: int) -> Floats:
    """The mean of all channels, or the loudest alone where the mean would lose it.

    A microphone wired with one side inverted cancels itself in the mean: then its power is far below the loudest's
    (a channel that is silent costs 6 dB of stereo, and no words).
    """
    mean = np.full(channels, 1 / channels, dtype=np.float32)
    if channels == 1:
        return mean
    power, mixed = np.zeros(channels), 0.0
    for block in blocks:
        power += np.einsum("fc,fc->c", block, block, dtype=np.float64)
        mixed += float(np.square(block @ mean, dtype=np.float64).sum())
    if mixed >= power.max() / (channels * channels * 2):
        return mean
    loudest = np.zeros(channels, dtype=np.float32)
    loudest[int(power.argmax())] = 1
    return loudest


def resample(blocks: Iterable[Floats], rate: int, target: int) -> Iterator[Floats]:
    """One channel's blocks at `rate` Hz as blocks at `target` Hz,. soxr's high quality costs what its medium does."""
    if rate == target:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, target, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.zeros(0, dtype=np.float32), last=True)


def _integers(kind: str, scale: float) -> Callable[[bytes | memoryview], Floats]:
    return lambda data: np.frombuffer(data, kind).astype(np.float32) * np.float32(1 / scale)


def _unsigned_bytes(data: bytes | memoryview) -> Floats:
    return (np.frombuffer(data, np.uint8).astype(np.float32) - 128) * np.float32(1 / 128)


def _three_bytes(data: bytes | memoryview) -> Floats:
    packed = np.frombuffer(data, np.uint8).reshape(-1, 3)
    wide = np.zeros((len(packed), 4), np.uint8)
    wide[:, 1:] = packed
    return wide.view("<i4")[:, 0].astype(np.float32) * np.float32(1 / 2**31)


def _reals(kind: str) -> Callable[[bytes | memoryview], Floats]:
    def read(data: bytes | memoryview) -> Floats:
        finite = np.nan_to_num(np.frombuffer(data, kind), nan=0.0, posinf=1.0, neginf=-1.0)
        return np.asarray(np.clip(finite, -1.0, 1.0), dtype=np.float32)

    return read


def _table(expand: Callable[[NDArray[np.int32]], NDArray[np.int32]]) -> Callable[[bytes | memoryview], Floats]:
    @cache
    def table() -> Floats:
        return (expand(np.arange(256, dtype=np.int32)) / 32768).astype(np.float32)

    return lambda data: table()[np.frombuffer(data, np.uint8)]


def _mulaw(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """ITU-T G.711, 256 codes to 16-bit samples."""
    inverted = ~codes & 0xFF
    size = ((((inverted & 15) << 3) + 132) << (inverted >> 4 & 7)) - 132
    return np.where(inverted & 0x80, -size, size)


def _alaw(codes: NDArray[np.int32]) -> NDArray[np.int32]:
    """ITU-T G.711, 256 codes to 16-bit samples."""
    toggled = codes ^ 0x55
    exponent, step = toggled >> 4 & 7, ((toggled & 15) << 4) + 8
    size = np.where(exponent > 0, (step + 256) << np.maximum(exponent - 1, 0), step)
    return np.where(toggled & 0x80, size, -size)


_READERS: dict[Encoding, Callable[[bytes | memoryview], Floats]] = {
    Encoding.U8: _unsigned_bytes,
    Encoding.S16: _integers("<i2", 2**15),
    Encoding.S24: _three_bytes,
    Encoding.S32: _integers("<i4", 2**31),
    Encoding.F32: _reals("<f4"),
    Encoding.F64: _reals("<f8"),
    Encoding.MULAW: _table(_mulaw),
    Encoding.ALAW: _table(_alaw),
}
