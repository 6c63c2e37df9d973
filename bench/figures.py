"""What was measured, as numbers: one run of one row. Standard library only, as `scenario`."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from bench.scenario import floor_seconds


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest of sorted values that so many percent of them do not exceed; NaN of nothing."""
    if not ordered:
        return math.nan
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


@dataclass
class Turns:
    """What a load generator saw: seconds of each turn that went well, and a line for each that did not."""

    first: list[float] = field(default_factory=list)
    """From the complete recording to the first byte of sound."""
    total: list[float] = field(default_factory=list)
    """To the end of the reply's sound."""
    errors: list[str] = field(default_factory=list)
    cpu_seconds: float = 0.0
    """Of the process that took the turns, where it measured itself."""
    peak_bytes: int = 0

    def took(self, first: float | None, total: float, received: int, least: int) -> None:
        """Notes a turn by what came; less sound than `least` bytes is an error."""
        if first is None or received < least:
            self.errors.append(f"{received} bytes of sound, not {least}")
        else:
            self.first.append(first)
            self.total.append(total)

    def dumps(self) -> str:
        """One line for the process that asked."""
        return json.dumps(asdict(self))

    @property
    def count(self) -> int:
        """All turns, good and bad."""
        return len(self.first) + len(self.errors)


@dataclass(frozen=True)
class Figures:
    """One line of the table. Milliseconds and mebibytes; `cpu_ms` and `peak_mib` by process."""

    row: str
    sessions: int
    turns: int
    failed: int
    errors: list[str]
    """The first of each kind, told apart by their beginning."""
    first_p50: float
    first_p95: float
    over_floor_p50: float
    over_floor_p95: float
    floor_ratio_p50: float
    total_p50: float
    cpu_ms: dict[str, float]
    peak_mib: dict[str, float]
    providers_late_p95: float
    """How late the fakes themselves were: a machine that is busy elsewhere shows here."""

    @classmethod
    def of(
        cls, row: str, sessions: int, turns: Turns, cpu: dict[str, float], peak: dict[str, int], late: float
    ) -> Figures:
        """From seconds and bytes."""
        first, total, floor = sorted(turns.first), sorted(turns.total), floor_seconds()
        p50, p95 = percentile(first, 50), percentile(first, 95)
        return cls(
            row=row,
            sessions=sessions,
            turns=turns.count,
            failed=len(turns.errors),
            errors=list({error[:40]: error for error in turns.errors}.values()),
            first_p50=_ms(p50),
            first_p95=_ms(p95),
            over_floor_p50=_ms(p50 - floor),
            over_floor_p95=_ms(p95 - floor),
            floor_ratio_p50=round(p50 / floor, 3),
            total_p50=_ms(percentile(total, 50)),
            cpu_ms={name: _ms(seconds / max(1, turns.count)) for name, seconds in cpu.items()},
            peak_mib={name: round(size / (1 << 20), 1) for name, size in peak.items()},
            providers_late_p95=_ms(late),
        )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
