"""The run as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from os import cpu_count
from pathlib import Path
from typing import Any

from bench.agent_start import Start
from bench.bars import Bar, bars
from bench.figures import Figures
from bench.operator_scale import Scale
from bench.scenario import floor_seconds

_HEAD = ("row", "at once", "turns", "failed", "p50", "p95", "over floor p50", "p95", "x floor")
_OPERATOR = ("TalkAgents", "cold", "CPU", "RSS", "writes an agent", "idle minute", "its CPU", "one more ready, p50")
_MORE = ("end p50", "fakes late p95", "CPU of a turn, peak RSS")


@dataclass
class Report:
    """All of one run; what was not asked for is empty."""

    replicas: int
    figures: list[Figures] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    token_cpu: dict[str, Any] = field(default_factory=dict)
    """What `bench.token_cpu` printed."""
    scales: list[Scale] = field(default_factory=list)

    def bars(self) -> list[Bar]:
        """What must hold, of what was run."""
        row = self.token_cpu.get("rows", {}).get("merged")
        return bars(self.figures, self.starts, row["cpu_ms_per_token"] if row else None, self.scales)

    def json(self) -> str:
        """Every figure, the machine and the bars. Unit of times: milliseconds, of memory: MiB."""
        return json.dumps(
            {
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": machine(),
                "floor_ms": round(floor_seconds() * 1000, 1),
                "agent_replicas": self.replicas,
                "turns": [asdict(line) for line in self.figures],
                "agent_start": [asdict(start) for start in self.starts],
                "token_cpu": self.token_cpu,
                "operator": [{**asdict(each), "ready_p50": each.ready_p50} for each in self.scales],
                "bars": [{**asdict(bar), "holds": bar.holds} for bar in self.bars()],
            },
            indent=2,
        )

    def table(self) -> str:
        """Markdown, so that it can be kept in README.md."""
        parts = [f"Floor {floor_seconds() * 1000:.0f} ms; {self.replicas} agent replica(s); {machine()}."]
        if self.figures:
            parts.append(_table((*_HEAD, *_MORE), [_cells(line) for line in self.figures]))
        if self.starts:
            rows = [(s.model, f"{s.ready_seconds:.2f} s", f"{s.resident_mib:.0f} MiB") for s in self.starts]
            parts.append(_table(("agent's model", "start to ready", "RSS"), rows))
        if self.token_cpu:
            streams = self.token_cpu["streams"]
            cpu = [(name, f"{row['cpu_ms_per_token']:.2f} ms") for name, row in self.token_cpu["rows"].items()]
            parts.append(_table((f"agent, {streams} streams", "CPU/token"), cpu))
        if self.scales:
            parts.append(_table(_OPERATOR, [_scale_cells(each) for each in self.scales]))
        parts.append(_table(("bar", "measured", "at most", "holds"), [_verdict(bar) for bar in self.bars()]))
        return "\n\n".join(parts)


def machine() -> str:
    """What the figures depend on, without a name."""
    kib = next(line.split()[1] for line in Path("/proc/meminfo").read_text().splitlines() if "MemTotal" in line)
    return (
        f"{cpu_count()} CPUs, {int(kib) / (1 << 20):.0f} GiB, {platform.system()}, Python {platform.python_version()}"
    )


def _verdict(bar: Bar) -> tuple[str, ...]:
    return bar.what, f"{bar.measured:g} {bar.unit}", f"{bar.limit:g} {bar.unit}", "yes" if bar.holds else "NO"


def _scale_cells(scale: Scale) -> tuple[str, ...]:
    return (
        f"{scale.agents}{'' if scale.policies else ', no policies'}",
        f"{scale.cold_seconds:.1f} s",
        f"{scale.cpu_seconds:.1f} s",
        f"{scale.peak_mib:.0f} MiB",
        f"{scale.writes_per_agent:g}",
        f"{scale.idle_writes} writes",
        f"{scale.idle_cpu_seconds:.1f} s",
        f"{scale.ready_p50:.1f} s" if scale.ready_p50 is not None else "-",
    )


def _cells(line: Figures) -> tuple[str, ...]:
    cpu = ", ".join(f"{name} {value:.1f} ms, {line.peak_mib[name]:.0f} MiB" for name, value in line.cpu_ms.items())
    return (
        line.row,
        str(line.sessions),
        str(line.turns),
        str(line.failed),
        f"{line.first_p50:.0f} ms",
        f"{line.first_p95:.0f} ms",
        f"{line.over_floor_p50:+.0f} ms",
        f"{line.over_floor_p95:+.0f} ms",
        f"{line.floor_ratio_p50:.2f}",
        f"{line.total_p50:.0f} ms",
        f"{line.providers_late_p95:.0f} ms",
        cpu,
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = (head, ["-" * width for width in widths], *rows)
    return "\n".join(_row(line, widths) for line in lines)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
