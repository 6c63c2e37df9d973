"""Recordings of browsers and phones, broken and hostile ones: sound, or a 4xx, and no process is left."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from talk_gateway.audio.decode import DecodeLimits, Decoder, Recording
from talk_gateway.audio.ffmpeg import find_ffmpeg
from talk_kit.errors import (
    DeadlineExceeded,
    Internal,
    InvalidRequest,
    NoSpeech,
    Unavailable,
    UnsupportedMedia,
)
from tests.fakes.refusal import may_refuse
from tests.fakes.speech import noise, speech, speech_wav, wav
from tests.fakes.waiting import eventually

SECONDS = 4.0
OPUS = "-c:a libopus -b:a 48k -ac 1"
RECORDINGS = {
    "chrome.webm": f"{OPUS} -f webm -live 1",
    "chrome.mkv": f"{OPUS} -f matroska",
    "firefox.ogg": "-c:a libopus -b:a 64k -ac 1 -f ogg",
    "vorbis.ogg": "-c:a libvorbis -f ogg",
    "safari.mp4": "-c:a aac -b:a 64k -movflags frag_keyframe+empty_moov+default_base_moof",
    "memo.m4a": "-c:a aac -b:a 64k",
    "fast.m4a": "-c:a aac -b:a 64k -movflags faststart",
    "alac.m4a": "-c:a alac",
    "phone.3gp": "-c:a aac -b:a 32k",
    "quick.mov": "-c:a pcm_s16le",
    "raw.aac": "-c:a aac -f adts",
    "v.mp3": "-c:a libmp3lame -q:a 5",
    "bare.mp3": "-c:a libmp3lame -q:a 5 -id3v2_version 0 -write_xing 0",
    "low.mp3": "-c:a libmp3lame -b:a 16k -ar 16000",
    "free.flac": "-c:a flac",
    "mac.caf": "-c:a pcm_s16be",
    "mac.aiff": "-c:a pcm_s16be",
    "sun.au": "-c:a pcm_mulaw -ar 8000",
    "radio.amr": "-c:a libopencore_amrnb -ar 8000 -b:a 12.2k",
    "windows.wma": "-c:a wmav2",
    "call.wav": "-ar 8000 -c:a pcm_mulaw",
    "acall.wav": "-ar 8000 -c:a pcm_alaw",
    "s24.wav": "-ar 44100 -ac 2 -c:a pcm_s24le",
    "f32.wav": "-c:a pcm_f32le",
    "big.wav": "-rf64 always",
    "adpcm.wav": "-ac 1 -c:a adpcm_ms",
    "ima.wav": "-ac 1 -c:a adpcm_ima_wav",
    "surround.wav": "-ac 6 -c:a pcm_s16le",
    "surround.ogg": "-ac 6 -c:a libopus -f ogg",
    "w64.w64": "-c:a pcm_s16le",
}

Make = Callable[..., Path]


@pytest.fixture(scope="session")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Runs ffmpeg with speech as its first input; the arguments are those of the output."""
    folder = tmp_path_factory.mktemp("recordings")
    source = folder / "speech.wav"
    source.write_bytes(speech_wav(SECONDS, 48_000))

    def run(name: str, arguments: str, *more: str, before: str = "") -> Path:
        target = folder / name
        if not target.exists():
            command = [
                find_ffmpeg(),
                "-v",
                "error",
                *before.split(),
                "-i",
                str(source),
                *more,
                *arguments.split(),
                str(target),
            ]
            subprocess.run(command, check=True, timeout=30, stdin=subprocess.DEVNULL)
        return target

    return run


def samples(recording: Recording) -> np.ndarray:
    return np.frombuffer(recording.pcm, "<i2").astype(float)


def likeness(recording: Recording) -> float:
    """The best correlation with what was said, 1 for the same sound, at any delay."""
    said, heard = speech(SECONDS).astype(float), samples(recording)
    size = 1 << 17
    echo = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(said, size)))
    return float(echo.max() / np.linalg.norm(heard) / np.linalg.norm(said))


def children(pid: str = "self") -> set[str]:
    """Process ids of a process's children, zombies included (Linux says; elsewhere this sees none)."""
    return {child for tasks in Path("/proc", pid).glob("task/*/children") for child in tasks.read_text().split()}


def temporary() -> set[str]:
    """The temporary files there are, also those without a name that this process holds open."""
    held = [link.readlink().name for link in Path("/proc/self/fd").glob("*") if link.is_symlink()]
    return {name for name in held if name.endswith("(deleted)")}


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before, files = children(), temporary()
    yield
    assert children() <= before
    assert temporary() <= files


@pytest.mark.parametrize("name", RECORDINGS)
async def test_what_browsers_and_phones_send(make: Make, name: str) -> None:
    path = make(name, RECORDINGS[name])
    for source in (path, path.read_bytes()):
        recording = await Decoder().decode(source)
        assert recording.seconds == pytest.approx(SECONDS, abs=0.15)
        assert recording.wav[:4] == b"RIFF"
        assert len(recording.wav) == int.from_bytes(recording.wav[4:8], "little") + 8
        assert recording.has_speech
        assert likeness(recording) > 0.8 or "amr" in name


async def test_a_streamed_wav(make: Make) -> None:
    streamed = bytearray(make("plain.wav", "").read_bytes())
    assert streamed[36:40] == b"LIST"
    at = streamed.index(b"data")
    streamed[4:8] = streamed[at + 4 : at + 8] = b"\xff" * 4
    assert (await Decoder().decode(bytes(streamed))).seconds == pytest.approx(SECONDS, abs=0.01)


async def test_the_sound_of_a_video(make: Make) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=d=4:s=160x120:r=5"]
    for name, codecs in (("v.webm", "-c:a libopus -c:v libvpx"), ("v.mp4", "-c:a aac -c:v libx264")):
        recording = await Decoder().decode(make(name, codecs, *picture))
        assert likeness(recording) > 0.8


@pytest.mark.parametrize("codec", ["libx264 mute.mp4", "libvpx mute.webm"])
async def test_a_video_without_sound_is_refused(make: Make, codec: str) -> None:
    kind, name = codec.split()
    path = make(name, f"-map 1:v -c:v {kind}", "-f", "lavfi", "-i", "testsrc=d=1:s=160x120:r=5")
    with pytest.raises(InvalidRequest, match="no audio track"):
        await Decoder().decode(path)


async def test_a_picture_in_the_tag(make: Make) -> None:
    art = make("art.png", "-map 1:v -frames:v 1", "-f", "lavfi", "-i", "testsrc=s=600x600")
    arguments = "-map 0:a -map 1:v -c:a libmp3lame -q:a 5 -c:v copy -id3v2_version 3"
    path = make("art.mp3", arguments, "-i", str(art))
    assert likeness(await Decoder().decode(path)) > 0.8


@pytest.mark.parametrize("side", ["c0=0*c0|c1=c0", "c0=c0|c1=0*c0", "c0=c0|c1=-1*c0"])
@pytest.mark.parametrize("name", ["wav", "ogg"])
async def test_a_voice_in_one_channel(make: Make, side: str, name: str) -> None:
    codec = "-c:a libopus -b:a 96k" if name == "ogg" else "-c:a pcm_s16le"
    path = make(f"side{abs(hash(side))}.{name}", f"-af pan=stereo|{side} {codec}")
    recording = await Decoder().decode(path)
    assert recording.has_speech
    assert likeness(recording) > 0.8 or "-1" in side


async def test_a_tap_on_the_button_is_no_speech(make: Make) -> None:
    with pytest.raises(NoSpeech):
        (await Decoder().decode(make("short.webm", "-t 0.08 -c:a libopus"))).require_speech()


@pytest.mark.parametrize("level", [None, -60, -40])
async def test_silence_and_a_quiet_room_are_no_speech(make: Make, level: float | None) -> None:
    sound = wav(np.zeros(96_000, np.int16) if level is None else noise(2, 48_000, level_db=level, slope=0.5), 48_000)
    room = make("quiet.wav", "").parent / f"room{level}.wav"
    room.write_bytes(sound)
    webm = make(f"room{level}.webm", "-map 1:a -c:a libopus", "-i", str(room))
    for source in (sound, webm):
        recording = await Decoder().decode(source)
        assert recording.seconds == pytest.approx(2, abs=0.1)
        assert not recording.has_speech


@pytest.mark.parametrize("source", [b"", b"\0" * 0])
async def test_no_bytes(source: bytes) -> None:
    with pytest.raises(InvalidRequest, match="empty"):
        await Decoder().decode(source)


async def test_a_first_chunk_that_is_missing(make: Make) -> None:
    headless = make("chrome.webm", RECORDINGS["chrome.webm"]).read_bytes()[4000:]
    with pytest.raises(UnsupportedMedia):
        await Decoder().decode(headless)


@pytest.mark.parametrize(
    "name", ["chrome.webm", "firefox.ogg", "safari.mp4", "v.mp3", "free.flac", "raw.aac", "s24.wav", "adpcm.wav"]
)
async def test_what_arrived_of_a_cut_upload_is_heard(make: Make, name: str) -> None:
    whole = make(name, RECORDINGS[name]).read_bytes()
    recording = await Decoder().decode(whole[: len(whole) * 6 // 10])
    assert 1 < recording.seconds < 3.5
    assert recording.has_speech


@pytest.mark.parametrize(
    "name", ["memo.m4a", "chrome.webm", "firefox.ogg", "v.mp3", "call.wav", "safari.mp4", "free.flac"]
)
async def test_a_header_and_little_else_is_refused(make: Make, name: str) -> None:
    with pytest.raises(InvalidRequest, match="cut off or damaged"):
        await Decoder().decode(make(name, RECORDINGS[name]).read_bytes()[:40])


async def test_two_recordings_in_a_row(make: Make) -> None:
    data = make("chrome.webm", RECORDINGS["chrome.webm"]).read_bytes()
    assert (await Decoder().decode(data + data)).seconds >= SECONDS - 0.1


async def test_the_length_is_that_of_the_sound(make: Make) -> None:
    decoder = Decoder(DecodeLimits(max_seconds=3))
    for name in ("chrome.webm", "safari.mp4", "adpcm.wav", "v.mp3", "call.wav"):
        with pytest.raises(InvalidRequest, match="longer than 3 s"):
            await decoder.decode(make(name, RECORDINGS[name]))
    exact = Decoder(DecodeLimits(max_seconds=SECONDS))
    for name in ("chrome.webm", "safari.mp4", "v.mp3", "call.wav"):
        assert (await exact.decode(make(name, RECORDINGS[name]))).has_speech


async def test_hours_in_a_small_file_are_stopped_at_the_bound(make: Make) -> None:
    path = make("hours.flac", "-map 1:a -c:a flac", "-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono:d=7200")
    with pytest.raises(InvalidRequest, match="longer than 120 s"):
        await Decoder().decode(path)


PLAYLISTS = [
    b"ffconcat version 1.0\nfile 'SECRET'\n",
    b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nSECRET\n#EXT-X-ENDLIST\n",
    b"#EXTM3U\n#EXTINF:9,\nhttp://127.0.0.1:1/a.ts\n",
    b"concat:SECRET|SECRET",
    b"<?xml version='1.0'?><MPD><Period><AdaptationSet><Representation><BaseURL>SECRET</BaseURL>",
    b"SECRET",
]


@pytest.mark.parametrize("playlist", PLAYLISTS)
async def test_a_playlist_reads_no_other_file(make: Make, tmp_path: Path, playlist: bytes) -> None:
    secret = make("chrome.webm", RECORDINGS["chrome.webm"])
    path = tmp_path / "talk.mp4"
    path.write_bytes(playlist.replace(b"SECRET", str(secret).encode()))
    with pytest.raises(UnsupportedMedia):
        await Decoder().decode(path)


@pytest.mark.parametrize(
    "head", [b"\x1a\x45\xdf\xa3", b"OggS", b"ID3\x04\0\0\0\0\0\0", b"\0\0\0\x18ftypmp42" + bytes(12)]
)
@pytest.mark.parametrize("playlist", PLAYLISTS)
async def test_a_playlist_behind_a_known_mark_is_refused(make: Make, head: bytes, playlist: bytes) -> None:
    secret = make("chrome.webm", RECORDINGS["chrome.webm"])
    with pytest.raises(InvalidRequest):
        await Decoder().decode(head + playlist.replace(b"SECRET", str(secret).encode()))


async def test_a_movie_whose_samples_are_in_another_file_is_refused(make: Make, tmp_path: Path) -> None:
    data = make("quick.mov", RECORDINGS["quick.mov"]).read_bytes()
    at = data.index(b"dref")
    alias = data[:at] + data[at:].replace(b"url \x00\x00\x00\x01", b"url \x00\x00\x00\x00", 1)
    with may_refuse(400):
        assert likeness(await Decoder().decode(alias)) > 0.8


def script(folder: Path, body: str) -> Path:
    path = folder / "ffmpeg"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return path


WEBM = b"\x1a\x45\xdf\xa3" + bytes(100)


def state(pid: str) -> str:
    """The kernel's letter for what a process does; "" when there is none."""
    try:
        return Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


async def test_a_decoder_that_hangs_is_killed(tmp_path: Path) -> None:
    program = script(tmp_path, "sleep 1000 & wait")
    with pytest.raises(DeadlineExceeded):
        await Decoder(DecodeLimits(timeout=0.3), program).decode(WEBM)


async def test_a_decoder_that_closes_its_output_and_stays_is_killed(tmp_path: Path) -> None:
    program = script(tmp_path, "exec 1>&-; exec sleep 1000")
    with pytest.raises(InvalidRequest):
        await Decoder(DecodeLimits(timeout=5), program).decode(WEBM)


async def test_cancelling_the_turn_kills_the_decoder_and_its_children(tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = script(tmp_path, f"sleep 1000 & touch {started}; wait")
    before = children()
    running = asyncio.create_task(Decoder(program=program).decode(WEBM))
    await eventually(started.exists)
    (child,) = children() - before
    (grandchild,) = children(child)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await eventually(lambda: state(grandchild) in ("", "Z"))


@pytest.mark.parametrize("turns", range(1, 12, 2))
async def test_cancelling_while_the_decoder_starts_leaves_none(tmp_path: Path, turns: int) -> None:
    running = asyncio.create_task(Decoder(program=script(tmp_path, "sleep 1000 & wait")).decode(WEBM))
    for _ in range(turns):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def test_endless_output_is_cut(tmp_path: Path) -> None:
    wave = tmp_path / "head.wav"
    wave.write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt " + speech_wav(1.0)[16:40] + b"\xff\xff\xff\xff")
    with pytest.raises(InvalidRequest, match="longer than 120 s"):
        await Decoder(program=script(tmp_path, f"cat {wave} /dev/zero")).decode(WEBM)


@pytest.mark.parametrize("body", ["exit 1", "echo no", "kill -SEGV $$", "head -c 300 /dev/zero"])
async def test_a_decoder_that_fails_says_the_recording_cannot_be_read(tmp_path: Path, body: str) -> None:
    with pytest.raises(InvalidRequest, match="No sound could be read"):
        await Decoder(program=script(tmp_path, body)).decode(WEBM)


async def test_a_missing_decoder_is_a_defect_of_ours(tmp_path: Path) -> None:
    with pytest.raises(Internal):
        await Decoder(program=tmp_path / "gone").decode(WEBM)


async def test_recordings_wait_for_a_place_and_not_for_ever(tmp_path: Path) -> None:
    started = tmp_path / "started"
    program = script(tmp_path, f"touch {started}; exec sleep 1000")
    decoder = Decoder(DecodeLimits(processes=1, wait=0.1), program)
    first = asyncio.create_task(decoder.decode(WEBM))
    await eventually(started.exists)
    with pytest.raises(Unavailable):
        await decoder.decode(WEBM)
    assert (await decoder.decode(speech_wav(1.0))).has_speech
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first


async def test_many_at_once(make: Make) -> None:
    decoder = Decoder()
    path = make("chrome.webm", RECORDINGS["chrome.webm"])
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(decoder.decode(path)) for _ in range(8)]
    assert len({task.result().wav for task in tasks}) == 1


@pytest.mark.parametrize("name", ["chrome.webm", "safari.mp4", "firefox.ogg", "v.mp3"])
@given(data=st.data())
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_damaged_bytes_are_sound_or_refused(make: Make, name: str, data: st.DataObject) -> None:
    sound = bytearray(make(name, RECORDINGS[name]).read_bytes())
    for at in data.draw(st.lists(st.integers(0, len(sound) - 1), min_size=1, max_size=30)):
        sound[at] ^= data.draw(st.integers(1, 255))
    with may_refuse(400, 415):
        assert (await Decoder().decode(bytes(sound))).seconds <= 120.25


async def test_a_decoder_that_is_left_with_a_full_pipe_is_reaped(tmp_path: Path) -> None:
    wave = tmp_path / "head.wav"
    wave.write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt " + speech_wav(1.0)[16:40] + b"\xff\xff\xff\xff")
    decoder = Decoder(DecodeLimits(max_seconds=1.0), program=script(tmp_path, f"cat {wave} /dev/zero"))
    for _ in range(20):
        with pytest.raises(InvalidRequest, match="longer than 1 s"):
            await decoder.decode(WEBM)
