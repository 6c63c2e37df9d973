"""Containers of streamed sound."""

from __future__ import annotations

import pytest

from talk_kit.errors import InvalidRequest
from talk_local import wav
from talk_local.encoding import encoder

PCM = bytes(range(256)) * 20


def test_pcm_is_bare_and_says_how_to_read_it() -> None:
    pcm = encoder("pcm")
    assert pcm.media_type == "audio/pcm;rate=24000;channels=1"
    assert pcm.encode(PCM) + pcm.encode(PCM) + pcm.finish() == PCM * 2


def test_wav_has_one_header_with_unknown_lengths() -> None:
    sound = encoder("wav")
    whole = sound.encode(PCM) + sound.encode(PCM) + sound.finish()
    assert whole.count(b"RIFF") == whole.count(b"data") == 1
    assert whole[4:8] == whole[40:44] == b"\xff\xff\xff\xff"
    recording = wav.read(whole)
    assert (recording.rate, len(recording.samples)) == (24_000, len(PCM))


def test_mp3_is_whole_frames_from_the_first_byte() -> None:
    sound = encoder("mp3")
    whole = b"".join(sound.encode(PCM) for _ in range(4)) + sound.finish()
    assert whole[0] == 0xFF
    assert whole[1] & 0xE0 == 0xE0


def test_other_formats_are_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="pcm, wav, mp3"):
        encoder("opus")
