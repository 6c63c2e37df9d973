"""`python -m bench [NAME...]`: the figures, side by side in one run. README.md says what each means."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.agent_start import agent_starts
from bench.operator_scale import Scale, operator_scale
from bench.processes import ROOT, clean_environment
from bench.report import Report
from bench.rows import ROWS, Plan
from tests.fakes.speech import speech_wav

OTHERS = ("agent-start", "token-cpu")
# What needs a cluster is run where it is named.
CLUSTER = ("operator",)
OPERATOR_AGENTS, OPERATOR_MORE = (200, 1000), 10
KNOWN = (*ROWS, *OTHERS, *CLUSTER)
FULL, QUICK = ((1, 15), (50, 4)), ((1, 3), (50, 1))
QUESTION_SECONDS = 2.0
TOKEN_CPU_SECONDS = 600


def main() -> int:
    """Runs what was named, or everything. 1 where a bar does not hold."""
    options = _options()
    names = options.names or [*ROWS, *OTHERS]
    report = Report(options.replicas)
    with tempfile.TemporaryDirectory(prefix="talk-bench-") as folder:
        logs = options.logs or Path(folder)
        logs.mkdir(parents=True, exist_ok=True)
        plan = _plan(options, logs)
        for name in names:
            _say(f"{name} ...")
            if name in CLUSTER:
                report.scales = list(_scales(options))
            else:
                _run(name, plan, options.quick, report)
    if options.output:
        options.output.write_text(report.json() + "\n")
    print(report.table())
    # A quick run holds to what is counted, not to what is timed.
    held = [bar for bar in report.bars() if not options.quick or not bar.unit]
    return 0 if all(bar.holds for bar in held) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(KNOWN)}; none is all but {CLUSTER[0]}")
    parser.add_argument("--quick", action="store_true", help="few turns: does it run, not how fast is it")
    parser.add_argument("--sessions", type=int, nargs="+", help="sessions at once, instead of 1 and 50")
    parser.add_argument("--turns", type=int, help="turns of each session")
    parser.add_argument("--replicas", type=int, default=1, help="agents behind the gateway in the whole path")
    parser.add_argument(
        "--agents", type=int, nargs="+", help="TalkAgents of the operator's runs, instead of 200 and 1000"
    )
    parser.add_argument("--no-policies", action="store_true", help="the operator's runs without NetworkPolicies")
    parser.add_argument("--output", type=Path, help="where the JSON goes")
    parser.add_argument("--logs", type=Path, help="keeps what the processes write")
    options = parser.parse_args()
    unknown = set(options.names) - {*KNOWN}
    if unknown:
        parser.error(f"unknown: {', '.join(sorted(unknown))}; choose from {', '.join(KNOWN)}")
    return options


def _plan(options: argparse.Namespace, logs: Path) -> Plan:
    wav = logs / "question.wav"
    wav.write_bytes(speech_wav(QUESTION_SECONDS))
    loads = dict(QUICK if options.quick else FULL)
    asked = options.sessions or list(loads)
    turns = {count: options.turns or loads.get(count, 3) for count in asked}
    return Plan(list(turns.items()), options.replicas, wav, logs)


def _run(name: str, plan: Plan, quick: bool, report: Report) -> None:
    if name == "agent-start":
        report.starts = agent_starts(plan.logs, 1 if quick else 5)
    elif name == "token-cpu":
        report.token_cpu = _token_cpu(quick)
    else:
        for figures in ROWS[name](plan):
            _say(f"{name}, {figures.sessions} at once: p50 {figures.first_p50:.0f} ms, {figures.failed} failed")
            report.figures.append(figures)


def _scales(options: argparse.Namespace) -> Iterator[Scale]:
    """One more agent is timed beside the most."""
    agents = options.agents or ([20] if options.quick else list(OPERATOR_AGENTS))
    for count in agents:
        more = 0 if count < max(agents) else 1 if options.quick else OPERATOR_MORE
        found = operator_scale(count, more=more, policies=not options.no_policies)
        _say(f"operator, {count} TalkAgents: {found}")
        yield found


def _token_cpu(quick: bool) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.token_cpu", *(["--rounds=1"] if quick else [])]
    done = subprocess.run(
        command, cwd=ROOT, env=clean_environment(), check=True, stdout=subprocess.PIPE, timeout=TOKEN_CPU_SECONDS
    )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[0])
    return found


def _say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
