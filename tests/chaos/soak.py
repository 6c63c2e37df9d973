"""Nothing is left over: real processes under a long load of text and voice turns, then 1,000 turns whose callers go.

    make soak                                  # 30 minutes
    make soak ARGS="--minutes 5 --output soak.json"

After each part the processes come to rest, and what they hold is compared with what they held after the warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.processes import Child
from talk_agent.sessions.redis_server import CONNECTIONS
from tests.chaos.client import VOICE_FORMS, recording
from tests.chaos.stack import AGENT, Stack, stack

# Resident memory may grow by so much after the warm-up.
GROWTH_BYTES = 5_000_000
# Idle connections are kept by servers for 75 s, by clients for 30 s.
REST_SECONDS = 100.0
# A reply of the fakes takes about 1.2 s: callers go before its first word, in its middle, and just before its end.
LONGEST_STAY = 1.0
_TASKS = re.compile(r"^talk_\w+_event_loop_tasks (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Held:
    """What a process holds at rest. An agent keeps up to 16 connections to Redis, as many as it needed at once: they
    are not among its files.
    """

    resident: int
    files: int
    tasks: int

    @classmethod
    def of(cls, child: Child, besides: int = 0) -> Held:
        shown = httpx.get(f"{child.url}/metrics", timeout=10).text
        found = _TASKS.search(shown)
        assert found is not None, f"{child.name} does not tell its tasks"
        return cls(child.resident_bytes(), child.open_files() - besides, int(float(found[1])))


@dataclass(frozen=True)
class Part:
    """One part of a soak: turns of it, and by process what was held before and after."""

    name: str
    turns: int
    failed: int
    lost: int
    before: dict[str, Held]
    after: dict[str, Held]

    def problems(self) -> list[str]:
        """What is not as it has to be, in words."""
        found = [f"{self.name}: {self.failed} turns failed"] if self.failed else []
        found += [f"{self.name}: {self.lost} turns are lost"] if self.lost else []
        for process, before in self.before.items():
            after = self.after[process]
            grown = after.resident - before.resident
            if grown >= GROWTH_BYTES:
                found.append(f"{self.name}: {process} has grown by {grown / 1e6:.1f} MB")
            if after.tasks > before.tasks:
                found.append(f"{self.name}: {process} has {after.tasks} tasks, and had {before.tasks}")
            if after.files > before.files:
                found.append(f"{self.name}: {process} has {after.files} open files, and had {before.files}")
        return found


def held(up: Stack) -> dict[str, Held]:
    """By process, now."""
    kept = up.redis_connections()
    assert kept <= CONNECTIONS, f"{kept} connections to Redis"
    return {up.gateway.name: Held.of(up.gateway), up.agent.name: Held.of(up.agent, kept)}


def at_rest(up: Stack, seconds: float, like: dict[str, Held] | None = None) -> dict[str, Held]:
    """What is held once it is no more than `like`, or else after `seconds`."""
    until = time.monotonic() + seconds
    while True:
        time.sleep(1.0)
        found = held(up)
        if like is not None and all(_no_more(found[name], like[name]) for name in like):
            return found
        if time.monotonic() > until:
            return found


def _no_more(now: Held, before: Held) -> bool:
    return now.files <= before.files and now.tasks <= before.tasks


def steady(up: Stack, seconds: float, **plan: Any) -> tuple[int, int, int]:
    """A load for so long: turns, how many failed, and how many are lost."""
    up.start(**plan)
    time.sleep(seconds)
    report = up.stop()
    difference = up.difference(report)
    if difference or report["failed"]:
        print(difference, report["failures"], file=sys.stderr)
    return report["sent"], report["failed"], sum(len(each) for each in vars(difference).values())


def cancelled(up: Stack, turns: int, at_once: int = 20) -> int:
    """Turns of text and voice whose callers go at random moments; how many were answered before."""
    return asyncio.run(_cancelled(up.gateway.url, turns, at_once))


async def _cancelled(url: str, turns: int, at_once: int) -> int:
    places = asyncio.Semaphore(at_once)
    body = recording("cancelled")
    chance = random.Random(14)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                _leave(url, number, body, chance.uniform(0.0, LONGEST_STAY), places), name=f"leave-{number}"
            )
            for number in range(turns)
        ]
    return sum(task.result() for task in tasks)


async def _leave(url: str, number: int, body: bytes, stay: float, places: asyncio.Semaphore) -> bool:
    """One turn; whether its answer came whole. A connection of its own, which is closed in the middle."""
    form = ("text-json", "text-sse", *VOICE_FORMS)[number % 5]
    headers = {"X-Session-ID": f"cancelled-{number}", "Accept": "text/event-stream" if form.endswith("sse") else "*/*"}
    asked: dict[str, Any] = {"json": {"text": "Tell me more.", "mode": "agent", "agent_name": AGENT}}
    path = "/v1/chat"
    if form.startswith("voice"):
        path = f"/v1/speech_to_speech?mode=agent&agent_name={AGENT}"
        asked = {"files": {"file": ("q.wav", body, "audio/wav")}}
    async with places, httpx.AsyncClient(base_url=url, timeout=30) as http:
        with suppress(TimeoutError):
            async with asyncio.timeout(stay):
                await http.post(path, headers=headers, **asked)
                return True
    return False


def soak(up: Stack, minutes: float, turns: int, say: Callable[[str], None]) -> list[Part]:
    """The warm-up is a fifth of the time, at most 5 minutes, and a fifth of the cancelled turns."""
    warm = min(minutes / 5, 5.0) * 60
    say(f"warm-up: {warm:.0f} s")
    steady(up, warm)
    cancelled(up, turns // 5)
    before = at_rest(up, REST_SECONDS)
    parts = []
    if minutes:
        say(f"load: {minutes * 60 - warm:.0f} s")
        sent, failed, lost = steady(up, minutes * 60 - warm)
        parts.append(Part("load", sent, failed, lost, before, at_rest(up, REST_SECONDS, before)))
    say(f"{turns} cancelled turns")
    cancelled(up, turns)
    after = at_rest(up, REST_SECONDS, before)
    return [*parts, Part("cancelled", turns, 0, 0, before, after)]


def table(parts: list[Part]) -> str:
    """For people."""
    lines = ["| part | turns | failed | lost | process | RSS, MB | open files | tasks |", "|" + " --- |" * 8]
    for part in parts:
        for name, before in part.before.items():
            after = part.after[name]
            grown = (after.resident - before.resident) / 1e6
            lines.append(
                f"| {part.name} | {part.turns} | {part.failed} | {part.lost} | {name} "
                f"| {before.resident / 1e6:.1f} -> {after.resident / 1e6:.1f} ({grown:+.1f}) "
                f"| {before.files} -> {after.files} | {before.tasks} -> {after.tasks} |"
            )
    return "\n".join(lines)


def main() -> int:
    """1 where something is left over."""
    parser = argparse.ArgumentParser(
        prog="soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--cancelled", type=int, default=1000, metavar="TURNS")
    parser.add_argument("--output", type=Path, help="where the figures go as JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="talk-soak-") as folder, stack(Path(folder)) as up:
        parts = soak(up, options.minutes, options.cancelled, lambda line: print(f"soak: {line}", file=sys.stderr))
    print(table(parts))
    if options.output:
        options.output.write_text(json.dumps([asdict(part) for part in parts], indent=1))
    problems = [problem for part in parts for problem in part.problems()]
    print("\n".join(problems) or "nothing is left over")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
