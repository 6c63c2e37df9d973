"""`python -m bench.sessions`: sessions in Redis, ours beside ADK's own, on one Valkey server in one run.

Latency and bytes by length of the conversation; what is lost under 20 writers; an agent turn's CPU with a long history
over a short one; memory by session, and how it falls when they end; the kill table. JSON with `--output`.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench import session_rows as rows
from tests.fakes.storm import storm
from tests.fakes.valkey import Valkey, valkey

SIZES, QUICK_SIZES = (10, 100, 1_000, 10_000), (10, 100, 1_000)
# Sessions whose memory is measured; the figure of the 100,000 follows from the bytes of one.
SAMPLE, QUICK_SAMPLE = 20_000, 1_000
STORM = {"sessions": 50, "turns": 1_000, "kills": 20}
QUICK_STORM = {"sessions": 6, "turns": 60, "kills": 2}


def main() -> int:
    """1 where a bar does not hold."""
    parser = argparse.ArgumentParser(prog="bench.sessions", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small numbers: does it run, not how fast is it")
    parser.add_argument("--no-kills", action="store_true", help="leave the kill table out")
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    options = parser.parse_args()
    with valkey() as server:
        found = asyncio.run(_measure(server, options.quick))
    found["kills"] = [] if options.no_kills else asyncio.run(_kills(options.quick))
    if options.output:
        options.output.write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(_table(found)))
    return 0 if _holds(found) else 1


async def _measure(server: Valkey, quick: bool) -> dict[str, Any]:
    sizes = QUICK_SIZES if quick else SIZES
    lengths = [row async for row in rows.lengths(server, sizes, rounds=20 if quick else 100)]
    writers = [await rows.writers(server, name) for name in rows.SERVICES]
    with tempfile.TemporaryDirectory(prefix="talk-bench-") as folder:
        cpu = await rows.turn_cpu(server, Path(folder), turns=10 if quick else 100)
    memory = await rows.memory(server, QUICK_SAMPLE if quick else SAMPLE)
    return {"lengths": lengths, "writers": writers, "turn_cpu": cpu, "memory": memory}


async def _kills(quick: bool) -> list[dict[str, Any]]:
    found = []
    for where in ("agent", "redis"):
        with tempfile.TemporaryDirectory(prefix="talk-bench-") as folder:
            size = QUICK_STORM if quick else STORM
            print(f"sessions: {size['turns']} turns, {where} killed {size['kills']} times ...", file=sys.stderr)
            found.append(dataclasses.asdict(await storm(where, folder=Path(folder), **size)))
    return found


def _holds(found: dict[str, Any]) -> bool:
    ours = [row for row in found["lengths"] if row["service"] == "talk"]
    flat = max(row["append_ms"] for row in ours) <= 2 * min(row["append_ms"] for row in ours)
    kept = all(row["lost_events"] == row["lost_user_keys"] == 0 for row in found["writers"] if row["service"] == "talk")
    whole = all(row["lost"] == row["duplicates"] == row["strange"] == 0 for row in found["kills"])
    return flat and kept and whole and found["turn_cpu"]["ratio"] <= 1.3


def _table(found: dict[str, Any]) -> list[str]:
    memory, cpu = found["memory"], found["turn_cpu"]
    return [
        *_rows("One event appended, the latest 40 loaded (p50), bytes in Redis", found["lengths"]),
        *_rows("20 writers at once, each with a handle of its own", found["writers"]),
        f"\nCPU of an agent's turn: {cpu['short_ms']:.1f} ms with 10 stored events, {cpu['long_ms']:.1f} ms with "
        f"1,000: {cpu['ratio']:.2f} x (bar: 1.3)",
        f"\nMemory: {memory['bytes_per_session']:.0f} bytes a session of 10 turns, so 100,000 take "
        f"{memory['bytes_per_session'] / 10:.1f} MB (measured with {memory['sessions']}); "
        f"{memory['left_percent']:.1f} % of it is left when they have ended",
        *(_rows("kill -9 at random moments", found["kills"]) if found["kills"] else []),
    ]


def _rows(title: str, found: list[dict[str, Any]]) -> list[str]:
    names = list(found[0])
    cells = [names, *([_cell(row[name]) for name in names] for row in found)]
    widths = [max(len(line[at]) for line in cells) for at in range(len(names))]
    return [f"\n{title}", *("  ".join(c.rjust(w) for c, w in zip(line, widths, strict=True)) for line in cells)]


def _cell(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
