"""Writes alerts/slo.rules.yaml from the table alerts/slo.yaml.

    python -m scripts.slo_rules           writes it
    python -m scripts.slo_rules --check   fails where it differs

Burn rates and windows are those of the SRE workbook (chapter 5): an alert needs a long window, which says that it
matters, and a short one, which says that it still goes on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ALERTS = Path(__file__).resolve().parent.parent / "alerts"
TABLE, RULES = ALERTS / "slo.yaml", ALERTS / "slo.rules.yaml"
RUNBOOK = "https://github.com/dwani-ai/talk/blob/main/docs/runbook.md"

SECONDS = {"5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21_600, "1d": 86_400, "3d": 259_200, "30d": 2_592_000}
# A window is looked at so often to tell whether what it is about was there all along.
LOOKS = 60
SHORT_GROUP = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
# Labels that dashboards have a variable for.
VARIABLES = ("namespace", "agent")
HEAD = """# Written by `make reference` from slo.yaml. Do not edit.
groups:
"""


@dataclass(frozen=True, slots=True)
class Burn:
    """One alert: pairs of windows, each with the factor by which the budget is used up too fast."""

    name: str
    hold: str
    pairs: tuple[tuple[str, str, float], ...]
    warning: bool


BURNS = (
    Burn("fast", "2m", (("1h", "5m", 14.4), ("6h", "30m", 6.0)), warning=False),
    Burn("slow", "15m", (("1d", "2h", 3.0), ("3d", "6h", 1.0)), warning=True),
)


@dataclass(frozen=True, slots=True)
class Slo:
    """A row of the table."""

    name: str
    alert: str
    title: str
    objective: float
    by: tuple[str, ...]
    severity: str
    dashboard: str
    events: int = 0
    bad: str = ""
    total: str = ""
    ratio: str = ""

    @property
    def budget(self) -> float:
        """The part that may be bad, 0 to 1."""
        return round(1 - self.objective / 100, 6)

    def error_ratio(self, window: str) -> str:
        """The bad part in `window`, between 0 and 1; nothing at all where nothing happened."""
        if self.ratio:
            return f"clamp({self.ratio.replace('$window', window)}, 0, 1)"
        total = self.total.replace("$window", window)
        bad = self.bad.replace("$window", window)
        return f"clamp(\n  (({bad}) or ({total}) * 0)\n  / (({total}) > 0),\n  0, 1\n)"

    def happened(self, window: str) -> str:
        """Events in `window`; of a ratio of time, how many of LOOKS at it find that there was something."""
        if self.ratio:
            return f"count_over_time({self.total}[{window}:{SECONDS[window] // LOOKS}s])"
        return f"({self.total.replace('$window', window)}) * {SECONDS[window]}"

    def too_fast(self, burn: Burn) -> str:
        """The alert's expression. A factor whose bound is no ratio any more would never fire, and is refused."""
        return "\nor\n".join(self._pair(*pair) for pair in burn.pairs)

    def _pair(self, long: str, short: str, factor: float) -> str:
        bound = round(factor * self.budget, 6)
        if bound >= 1:
            raise ValueError(f"{self.name}: {factor} times the budget is {bound}; such an alert never fires")
        lines = [f'talk:slo_error_ratio:{window}{{slo="{self.name}"}} > {bound:g}' for window in (long, short)]
        if self.events:
            lines.append(f'talk:slo_events:{long}{{slo="{self.name}"}} >= {self.events}')
        return "(\n  " + "\n  and ".join(lines) + "\n)"


def read(path: Path = TABLE) -> list[Slo]:
    """The table. A row with a member that is not known, or without one that is needed, is a TypeError."""
    rows: list[dict[str, Any]] = YAML(typ="safe").load(path)["slos"]
    return [Slo(**{**row, "by": tuple(row["by"]), "objective": float(row["objective"])}) for row in rows]


def rules(slos: list[Slo]) -> str:
    """The file."""
    ready = _record("talk:agent_ready:max", "max by (namespace, agent) (talk_agent_ready)")
    return HEAD + "".join(
        [
            _group("talk-slo-inputs", [ready]),
            _group("talk-slo-ratios", _ratios(slos)),
            _group("talk-slo-budgets", _budgets(slos), interval="5m"),
            _group("talk-slo-alerts", [_alert(slo, burn) for slo in slos for burn in BURNS]),
        ]
    )


def _ratios(slos: list[Slo]) -> Iterator[str]:
    long = {pair[0] for burn in BURNS for pair in burn.pairs}
    for slo in slos:
        for window in SHORT_GROUP:
            yield _record(f"talk:slo_error_ratio:{window}", slo.error_ratio(window), slo.name)
            if slo.events and window in long:
                yield _record(f"talk:slo_events:{window}", slo.happened(window), slo.name)


def _budgets(slos: list[Slo]) -> Iterator[str]:
    for slo in slos:
        yield _record("talk:slo_objective:ratio", f"vector({slo.objective / 100:g})", slo.name)
        yield _record("talk:slo_error_ratio:30d", slo.error_ratio("30d"), slo.name)
        left = f'1 - talk:slo_error_ratio:30d{{slo="{slo.name}"}} / {slo.budget:g}'
        yield _record("talk:slo_budget_left:ratio", left, slo.name)


def _group(name: str, rules: Any, interval: str = "") -> str:
    every = f"    interval: {interval}\n" if interval else ""
    return f"  - name: {name}\n{every}    rules:\n" + "".join(rules)


def _record(name: str, expr: str, slo: str = "") -> str:
    labels = f"        labels: {{slo: {slo}}}\n" if slo else ""
    return f"      - record: {name}\n        expr: |-\n{_indented(expr)}{labels}"


def _alert(slo: Slo, burn: Burn) -> str:
    severity = "warning" if burn.warning else slo.severity
    whose = "".join(f" for {label} {{{{ $labels.{label} }}}}" for label in slo.by if label != "namespace")
    where = "?" + "&".join(f"var-{label}={{{{ $labels.{label} }}}}" for label in slo.by if label in VARIABLES)
    windows = " or ".join(pair[0] for pair in burn.pairs)
    return f"""      - alert: {slo.alert}
        expr: |-
{_indented(slo.too_fast(burn))}        for: {burn.hold}
        labels: {{severity: {severity}, burn: {burn.name}}}
        annotations:
          summary: "{slo.title}: the error budget burns {burn.name}{whose}"
          description: "{{{{ $value | humanizePercentage }}}} were bad over {windows}; the objective is {slo.objective:g} % good over 30 days."
          runbook_url: {RUNBOOK}#{slo.alert.lower()}
          dashboard_url: "/d/{slo.dashboard}{where}"
"""  # noqa: E501 - as the file has it


def _indented(expr: str) -> str:
    return "".join(f"          {line}\n" for line in expr.splitlines())


def main() -> int:
    """Writes or checks."""
    wanted = rules(read())
    if "--check" not in sys.argv:
        RULES.write_text(wanted)
    elif not RULES.exists() or RULES.read_text() != wanted:
        print("alerts/slo.rules.yaml is not what slo.yaml says; run `make reference`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
