"""What the figures are held against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.agent_start import Start
from bench.figures import Figures
from bench.operator_scale import Scale

CROWD = 20
"""Sessions at once from which the gateway's CPU for a turn counts: alone, its idle work is in the figure."""
TOKEN_CPU_MS = 0.45
START_SECONDS, START_MIB = 2.0, 150.0
COLD_SECONDS, OPERATOR_MIB = 60.0, 200.0


@dataclass(frozen=True)
class Bar:
    """One thing that must hold: at most `limit`."""

    what: str
    measured: float
    limit: float
    unit: str

    @property
    def holds(self) -> bool:
        """NaN, which is nothing measured, does not."""
        return self.measured <= self.limit


def bars(
    figures: Sequence[Figures], starts: Sequence[Start], token_cpu_ms: float | None, scales: Sequence[Scale] = ()
) -> list[Bar]:
    """Of whatever was run."""
    found = [bar for line in figures for bar in _of_line(line)]
    found += list(_against_peers(figures))
    for start in starts:
        if start.model == "OpenAI-compatible":
            found.append(Bar("agent: start to ready", start.ready_seconds, START_SECONDS, "s"))
            found.append(Bar("agent: RSS when ready", start.resident_mib, START_MIB, "MiB"))
    if token_cpu_ms is not None:
        found.append(Bar("agent: CPU of a token at 50 streams", token_cpu_ms, TOKEN_CPU_MS, "ms"))
    return found + [bar for scale in scales for bar in _of_scale(scale)]


def _of_scale(scale: Scale) -> Iterator[Bar]:
    """The bars are those of 1,000; fewer need not more."""
    name = f"operator, {scale.agents} TalkAgents"
    yield Bar(f"{name}: cold to applied", scale.cold_seconds, COLD_SECONDS, "s")
    yield Bar(f"{name}: RSS", scale.peak_mib, OPERATOR_MIB, "MiB")
    yield Bar(f"{name}: writes of an idle minute", scale.idle_writes, 0, "")


def _of_line(line: Figures) -> Iterator[Bar]:
    if line.row not in ("gateway", "whole path"):
        return
    name = f"{line.row}, {line.sessions} at once"
    yield Bar(f"{name}: turns that failed", line.failed, 0, "")
    if line.row == "whole path":
        if line.sessions == 1:
            yield Bar(f"{name}: p50 over the floor", line.over_floor_p50, 60, "ms")
        return
    yield Bar(f"{name}: p50 over the floor", line.over_floor_p50, 30 if line.sessions == 1 else 100, "ms")
    if line.sessions > 1:
        yield Bar(f"{name}: p95 over the floor", line.over_floor_p95, 200, "ms")
        yield Bar(f"{name}: peak RSS", line.peak_mib["gateway"], 150, "MiB")
    if line.sessions >= CROWD:
        yield Bar(f"{name}: gateway CPU of a turn", line.cpu_ms["gateway"], 25, "ms")


def _against_peers(figures: Sequence[Figures]) -> Iterator[Bar]:
    """The whole path's first audio is ahead of each other framework's, under the same load."""
    ours = {line.sessions: line for line in figures if line.row == "whole path"}
    for line in figures:
        if line.row in ("pipecat", "livekit") and line.sessions in ours:
            ratio = round(ours[line.sessions].first_p50 / line.first_p50, 3)
            yield Bar(f"whole path over {line.row}, {line.sessions} at once: p50", ratio, 1.0, "x")
