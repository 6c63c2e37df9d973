"""Recordings as samples: any PCM WAV, whatever wrote its header."""

from __future__ import annotations

import struct
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from talk_kit.errors import InvalidRequest, UnsupportedMedia

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_RATES = range(4_000, 384_001)


class Recording(NamedTuple):
    """Mono samples from -1 to 1, and how many there are a second."""

    samples: NDArray[np.float32]
    rate: int

    @property
    def seconds(self) -> float:
        """Its length, from what is there: a header's length is not believed."""
        return len(self.samples) / self.rate


class _Format(NamedTuple):
    code: int
    channels: int
    rate: int
    bits: int


def read(data: bytes) -> Recording:
    """The recording in a RIFF WAVE file of 8 to 32 bit PCM or 32 or 64 bit floats; channels are mixed.

    Lengths of 0 or ffffffff (streamed files), a cut end and unknown chunks are taken in stride. InvalidRequest when
    there is nothing, UnsupportedMedia when it is something else.
    """
    if not data:
        raise InvalidRequest("The file is empty.")
    if data[:4] not in (b"RIFF", b"RF64") or data[8:12] != b"WAVE":
        raise UnsupportedMedia("Send a WAV file: this server reads PCM WAV only.")
    found, at = None, 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + size]
        if name == b"fmt ":
            found = _format(body)
        elif name == b"data" and found:
            streamed = size in (0, 0xFFFFFFFF)
            return Recording(_samples(data[at + 8 :] if streamed else body, found), found.rate)
        at += 8 + size + size % 2
    raise UnsupportedMedia("The WAV file has no sound in it: its fmt or data chunk is missing.")


def _format(body: bytes) -> _Format:
    if len(body) < 16:
        raise UnsupportedMedia("The WAV file's header is cut short.")
    code, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", body)
    if code == _EXTENSIBLE and len(body) >= 26:
        code = int.from_bytes(body[24:26], "little")
    if (code, bits) not in {(_PCM, 8), (_PCM, 16), (_PCM, 24), (_PCM, 32), (_FLOAT, 32), (_FLOAT, 64)}:
        raise UnsupportedMedia(f"The WAV file holds no plain PCM (format {code}, {bits} bits).")
    if not 1 <= channels <= 16 or rate not in _RATES:
        raise UnsupportedMedia(f"The WAV file has {channels} channels at {rate} Hz.")
    return _Format(code, channels, rate, bits)


def _samples(body: bytes, form: _Format) -> NDArray[np.float32]:
    frame = form.channels * form.bits // 8
    body = body[: len(body) // frame * frame]
    mixed = _decoded(body, form).reshape(-1, form.channels).mean(axis=1, dtype=np.float32)
    return np.asarray(np.nan_to_num(mixed, nan=0.0, posinf=0.0, neginf=0.0), np.float32)


def _decoded(body: bytes, form: _Format) -> NDArray[np.float32]:
    if form.code == _FLOAT:
        return np.frombuffer(body, "<f4" if form.bits == 32 else "<f8").astype(np.float32)
    if form.bits == 8:
        return (np.frombuffer(body, np.uint8).astype(np.float32) - np.float32(128)) / np.float32(128)
    if form.bits == 24:
        triples = np.frombuffer(body, np.uint8).reshape(-1, 3).astype(np.int32)
        whole = triples[:, 0] << 8 | triples[:, 1] << 16 | triples[:, 2] << 24
        return whole.astype(np.float32) / np.float32(2**31)
    integers = np.frombuffer(body, "<i2" if form.bits == 16 else "<i4")
    return integers.astype(np.float32) / np.float32(2 ** (form.bits - 1))
