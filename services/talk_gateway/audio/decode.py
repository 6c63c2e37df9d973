"""A recording as it was sent, in whatever container, becomes 16 kHz mono WAV, its true length and its loudness."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np

from talk_gateway.audio import samples, wav
from talk_gateway.audio.ffmpeg import decode_with_ffmpeg, find_ffmpeg
from talk_gateway.audio.silence import Loudness, listen
from talk_gateway.audio.sniff import Container, sniff_file
from talk_kit.errors import InvalidRequest, NoSpeech, Unavailable

Source: TypeAlias = bytes | Path | BinaryIO
"""All of a recording: its bytes, a file's path, or an open binary file that can seek (an upload's spool)."""

RATE = 16_000
_FULL_SCALE_BYTES = 2
_BLOCK_BYTES = 1 << 18
_INLINE_BYTES = 1 << 17
"""Up to this much (4 s of what the page sends: 2 ms of CPU) is read in the event loop, more in a thread."""
_HEADS = (1 << 16, 1 << 23)
"""How far to look for the samples of a WAV: most headers are 44 bytes, some programs put pictures first."""
_CODEC_PADDING = 0.25
"""Seconds that an encoder may add at the ends of a recording of exactly the allowed length."""

_NOTHING = "No sound could be read from the recording: it is cut off or damaged, or has no audio track."


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """Bounds of one recording and of decoding in all."""

    max_seconds: float = 120.0
    """Longest recording, by its samples."""
    timeout: float = 15.0
    """Seconds of wall time for ffmpeg, which decodes 120 s of speech in well under one."""
    processes: int = field(default_factory=lambda: max(2, os.cpu_count() or 2))
    """How many ffmpeg may run at once: 30 to 60 MB each."""
    wait: float = 5.0
    """Seconds to wait for a free place among them."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What the ASR provider gets, and what is known about it."""

    wav: bytes
    """A whole WAV file, 16 kHz, mono, s16le, with true lengths."""
    loudness: Loudness

    @property
    def pcm(self) -> memoryview:
        """The samples alone, not copied."""
        return memoryview(self.wav)[wav.HEADER_BYTES :]

    @property
    def seconds(self) -> float:
        """Length by the samples."""
        return len(self.pcm) / _FULL_SCALE_BYTES / RATE

    @property
    def has_speech(self) -> bool:
        """False for silence, steady noise and taps."""
        return self.loudness.speech_seconds > 0

    def require_speech(self) -> Recording:
        """Itself; raises NoSpeech when nobody speaks in it."""
        if not self.has_speech:
            raise NoSpeech("No speech was heard in the recording. Hold the button while you speak, and speak up.")
        return self


class Decoder:
    """One for a process: it bounds how many ffmpeg run at once. `program` is the path of ffmpeg."""

    def __init__(self, limits: DecodeLimits | None = None, program: str | Path | None = None) -> None:
        self.limits = limits or DecodeLimits()
        self._program = program or find_ffmpeg()
        self._places = asyncio.Semaphore(self.limits.processes)

    async def decode(self, source: Source) -> Recording:
        """Decode, mix and measure. The caller's file stays open; its position is anywhere afterwards.

        Raises InvalidRequest (empty, damaged, too long), UnsupportedMedia (no known container), Unavailable (too many
        recordings at once), DeadlineExceeded. What is there of a recording that was cut off is a recording.
        """
        with _opened(source) as file:
            container = sniff_file(file)
            if container is Container.WAV:
                recording = await self._nearby(file, 0.0)
                if recording is not None:
                    return recording
            sound = await self._far(file, container)
        recording = await self._nearby(io.BytesIO(sound), _CODEC_PADDING) if sound else None
        if recording is None:
            raise InvalidRequest(_NOTHING)
        return recording

    async def _nearby(self, file: BinaryIO, slack: float) -> Recording | None:
        """Read a WAV here, beside the event loop if it is large; None when only ffmpeg may be able to."""

        def work() -> Recording | None:
            return _recording(file, self.limits.max_seconds, slack)

        return work() if _size(file) <= _INLINE_BYTES else await asyncio.to_thread(work)

    async def _far(self, file: BinaryIO, container: Container) -> bytes:
        seconds = self.limits.max_seconds + 2 * _CODEC_PADDING
        async with self._place(), _descriptor(file) as real:
            return await decode_with_ffmpeg(
                self._program,
                real,
                container,
                most_bytes=int(seconds * RATE) * _FULL_SCALE_BYTES * 2,
                timeout=self.limits.timeout,
            )

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self.limits.wait):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("Too many recordings are being decoded.", retry_after=1.0) from None
        try:
            yield
        finally:
            self._places.release()


@contextmanager
def _opened(source: Source) -> Iterator[BinaryIO]:
    if isinstance(source, Path):
        with source.open("rb") as file:
            yield file
    else:
        yield io.BytesIO(source) if isinstance(source, bytes) else source


@asynccontextmanager
async def _descriptor(file: BinaryIO) -> AsyncIterator[BinaryIO]:
    """The same bytes as a file that the kernel knows; a temporary one has no name, so that none is ever left."""
    try:
        file.fileno()
    except OSError:
        with tempfile.TemporaryFile() as copy:
            await asyncio.to_thread(_copy, file, copy)
            yield copy
    else:
        file.flush()
        yield file


def _copy(source: BinaryIO, target: BinaryIO) -> None:
    source.seek(0)
    shutil.copyfileobj(source, target)
    target.flush()


def _size(file: BinaryIO) -> int:
    return file.seek(0, os.SEEK_END)


def _recording(file: BinaryIO, max_seconds: float, slack: float) -> Recording | None:
    """The WAV in `file`; None when it has a codec or a structure that is not read here. Raises InvalidRequest."""
    try:
        header = _header(file)
    except wav.UnreadableWav:
        return None
    if header is None:
        return None
    length = _length(file, header)
    if length > (max_seconds + slack) * header.layout.rate * header.layout.frame_bytes:
        raise InvalidRequest(f"The recording is longer than {max_seconds:g} s.")
    if not length:
        return None
    sound = _read(file, header, length)
    return Recording(wav.write_header(RATE, sound.nbytes) + sound.tobytes(), listen(sound))


def _header(file: BinaryIO) -> wav.Header | None:
    for most in _HEADS:
        file.seek(0)
        if (header := wav.parse_header(file.read(most))) is not None:
            return header
    return None


def _length(file: BinaryIO, header: wav.Header) -> int:
    available = _size(file) - header.start
    stated = header.stated or 0
    file.seek(header.start + stated + stated % 2)
    return wav.data_length(header, available, file.read(8))


def _read(file: BinaryIO, header: wav.Header, length: int) -> samples.Shorts:
    layout = header.layout
    if layout == wav.Layout(wav.Encoding.S16, 1, RATE):
        file.seek(header.start)
        return np.frombuffer(file.read(length), "<i2")
    weights = samples.mixing_weights(_frames(file, header, length), layout.channels)
    mixed = (samples.mix(block, weights) for block in _frames(file, header, length))
    pieces = [samples.to_shorts(block) for block in samples.resample(mixed, layout.rate, RATE)]
    return np.concatenate(pieces)


def _frames(file: BinaryIO, header: wav.Header, length: int) -> Iterator[samples.Floats]:
    """Blocks of whole frames, so that the memory in use does not grow with the width of a sample."""
    layout = header.layout
    step = max(1, _BLOCK_BYTES // layout.frame_bytes) * layout.frame_bytes
    file.seek(header.start)
    for at in range(0, length, step):
        yield samples.to_floats(file.read(min(step, length - at)), layout)
