"""The ffmpeg program as a decoder that is trusted with nothing.

It reads one file that is already open (no names, no network), by the demuxer that the first bytes named, with the audio
codecs that recorders use; it writes 16 kHz samples of one or two channels to a pipe, of which a bounded number is read.
A program apart, because its licence (GPL) and its parsers should both stay out of this process.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import BinaryIO

import imageio_ffmpeg

from talk_gateway.audio.sniff import Container
from talk_kit.errors import DeadlineExceeded, Internal
from talk_kit.logs import get_logger

RATE = 16_000
MEMORY_BYTES = 1 << 30
"""Address space of one decoder; the program itself maps 200 MB."""

_CODECS = (
    "opus,libopus,vorbis,libvorbis,aac,aac_latm,alac,flac,mp3,mp3float,mp2,mp2float,mp1,mp1float,amrnb,amrwb,"
    "libopencore_amrnb,libopencore_amrwb,wmav1,wmav2,wmapro,wmavoice,gsm,gsm_ms,adpcm_ms,adpcm_ima_wav,"
    "adpcm_ima_qt,adpcm_g726,adpcm_g722,pcm_alaw,pcm_mulaw,pcm_u8,pcm_s8,pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,"
    "pcm_s32le,pcm_s32be,pcm_f32le,pcm_f32be,pcm_f64le,pcm_f64be"
)
_BEFORE_INPUT = ("-nostdin", "-hide_banner", "-loglevel", "error", "-max_alloc", str(64 << 20))
_SHAPE = f"aformat=sample_fmts=s16:sample_rates={RATE}:channel_layouts=mono|stereo"
_REAP_SECONDS = 5.0
_READ_BYTES = 1 << 16

log = get_logger(__name__)


def find_ffmpeg() -> str:
    """The path of the program that the imageio-ffmpeg wheel brings (or IMAGEIO_FFMPEG_EXE names). Once, at start.

    Raises RuntimeError when there is none for this platform.
    """
    return str(imageio_ffmpeg.get_ffmpeg_exe())


def arguments(container: Container) -> list[str]:
    """Everything after the program's name. The input is its standard input, which has to be seekable."""
    return [
        *_BEFORE_INPUT,
        *("-protocol_whitelist", "fd", "-codec_whitelist", _CODECS, "-threads", "1"),
        *("-f", container.value, "-fd", "0", "-i", "fd:"),
        *("-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1", "-filter_threads", "1", "-af", _SHAPE),
        *("-f", "wav", "-bitexact", "pipe:1"),
    ]


async def decode_with_ffmpeg(
    program: str | Path, file: BinaryIO, container: Container, *, most_bytes: int, timeout: float
) -> bytes:
    """The sound of `file` as a streamed WAV at 16 kHz, cut after `most_bytes`; empty if there is none.

    Raises DeadlineExceeded after `timeout` seconds. The process is gone when this returns, raises or is cancelled.
    """
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    process = await _start(program, file, container)
    try:
        _limit(process.pid, timeout)
        async with asyncio.timeout(timeout):
            return await _read(process, most_bytes)
    except TimeoutError:
        raise DeadlineExceeded("The recording took too long to decode.") from None
    finally:
        await _end(process)
        log.debug("ffmpeg_ended", container=container.value, code=process.returncode)


async def _start(program: str | Path, file: BinaryIO, container: Container) -> asyncio.subprocess.Process:
    """Starts the process, in a group of its own. Cancelled in between, it waits for the process and ends it.

    (The event loops end a half-started process too, but not what it has started, and uvloop does it later.)
    """
    starting = asyncio.create_task(_spawn(program, file, container), name="start ffmpeg")
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait({starting})
        if not starting.cancelled() and starting.exception() is None:
            await _end(starting.result())
        raise
    except OSError as error:
        log.error("ffmpeg_missing", program=str(program), error=str(error))
        raise Internal("The decoder for this kind of recording is missing; send WAV.") from error


async def _spawn(program: str | Path, file: BinaryIO, container: Container) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        program,
        *arguments(container),
        stdin=file,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LC_ALL": "C"},
        start_new_session=True,
    )


async def _read(process: asyncio.subprocess.Process, most_bytes: int) -> bytes:
    assert process.stdout is not None
    sound = bytearray()
    while len(sound) < most_bytes and (piece := await process.stdout.read(_READ_BYTES)):
        sound += piece
    return bytes(sound[:most_bytes])


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill the whole group, whatever it started, and reap the process; a second cancellation does not stop that."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(asyncio.ensure_future(_reap(process)))


async def _reap(process: asyncio.subprocess.Process) -> None:
    """What is still in the pipe is read first: asyncio's `wait` returns only when the pipe has ended, which a reader
    that stopped in the middle never sees.
    """
    assert process.stdout is not None
    try:
        async with asyncio.timeout(_REAP_SECONDS):
            while await process.stdout.read(_READ_BYTES):
                pass
            await process.wait()
    except TimeoutError:
        log.error("ffmpeg_not_reaped", pid=process.pid)


def _limit(pid: int, seconds: float) -> None:
    """CPU time and memory also end with the kernel, and no file can be written, should this process die first."""
    if sys.platform != "linux":
        return
    import resource

    bounds = (
        (resource.RLIMIT_CPU, int(seconds) + 1),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    )
    with contextlib.suppress(ProcessLookupError):
        for what, most in bounds:
            resource.prlimit(pid, what, (most, most))
