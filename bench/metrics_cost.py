"""What metrics cost the gateway: CPU of a voice turn with them and without, and CPU of a scrape.

    python -m bench.metrics_cost [--sessions 20] [--turns 3] [--rounds 3]

Both run in turn, in each round, against the same fakes; the figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from bench.processes import Child, server
from bench.rows import fake_providers, load
from tests.fakes.speech import speech_wav

ROWS = {"with": "talk_gateway", "without": "bench.unmeasured"}
QUESTION_SECONDS = 2.0
SCRAPES = 50


def main() -> None:
    """Prints one JSON document."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    turn: dict[str, list[float]] = {row: [] for row in ROWS}
    scrape: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="talk-bench-") as folder:
        logs = Path(folder)
        wav = logs / "question.wav"
        wav.write_bytes(speech_wav(QUESTION_SECONDS))
        command = [sys.executable, "-m", "bench.voice_turns", f"--wav={wav}", "--agents=bench"]
        with fake_providers(logs) as providers, server("agent", "bench.scripted_agent", logs) as agent:
            env = _environment(providers, agent)
            for _ in range(options.rounds):
                for row, module in ROWS.items():
                    with server(row, module, logs, env=env) as gateway:
                        aimed = [*command, f"--url={gateway.url}"]
                        load(aimed, 1, 1)
                        before = gateway.cpu_seconds()
                        load(aimed, options.sessions, options.turns)
                        used = gateway.cpu_seconds() - before
                        turn[row].append(1000 * used / options.sessions / options.turns)
                        scrape = _scraped(gateway) if row == "with" else scrape
    medians = {row: round(statistics.median(each), 2) for row, each in turn.items()}
    print(json.dumps({"cpu_ms_per_turn": medians, "rounds": turn, **scrape}))


def _environment(providers: Child, agent: Child) -> Mapping[str, str]:
    base_url = f"{providers.url}/v1"
    return {
        "TALK_AGENTS": f"bench={agent.url}",
        "TALK_DEFAULT_AGENT": "bench",
        "TALK_ASR_BASE_URL": base_url,
        "TALK_TTS_BASE_URL": base_url,
    }


def _scraped(gateway: Child) -> dict[str, float]:
    """CPU of a scrape, and what it holds."""
    before = gateway.cpu_seconds()
    for _ in range(SCRAPES):
        with urllib.request.urlopen(f"{gateway.url}/metrics", timeout=10) as answer:
            body = answer.read()
    used = 1000 * (gateway.cpu_seconds() - before) / SCRAPES
    series = sum(not line.startswith(b"#") for line in body.splitlines())
    return {"scrape_cpu_ms": round(used, 2), "series": series, "bytes": len(body)}


if __name__ == "__main__":
    main()
