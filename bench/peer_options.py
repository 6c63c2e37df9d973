"""The command line that the drivers of other frameworks share. Standard library only."""

from __future__ import annotations

import argparse
import resource
import wave
from dataclasses import dataclass

from bench.figures import Turns


@dataclass(frozen=True)
class Options:
    """`base_url` is that of the fakes with its `/v1`; `pcm` 16 kHz mono s16le."""

    base_url: str
    sessions: int
    turns: int
    pcm: bytes


def parse(description: str | None) -> Options:
    """From the arguments of this process."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--providers", required=True, help="where the fakes listen")
    parser.add_argument("--wav", required=True)
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--turns", type=int, default=10)
    options = parser.parse_args()
    with wave.open(options.wav) as recording:
        pcm = recording.readframes(recording.getnframes())
    return Options(f"{options.providers}/v1", options.sessions, options.turns, pcm)


class Meter:
    """CPU of this process from now until `finish`."""

    def __init__(self) -> None:
        self._begun = _cpu_seconds()

    def finish(self, seen: Turns) -> str:
        """The line that the bench reads."""
        seen.cpu_seconds = _cpu_seconds() - self._begun
        seen.peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return seen.dumps()


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
