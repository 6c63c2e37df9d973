"""The alerts as they are written, and promtool, which judges them as Prometheus would."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "alerts").glob("*.rules.yaml"))


@dataclass(frozen=True)
class Alert:
    """One alerting rule, and the file that it is in."""

    file: Path
    name: str
    expr: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]

    @property
    def id(self) -> str:
        """Names it where two of one name differ in how fast they burn."""
        return self.name + (f"-{self.labels['burn']}" if "burn" in self.labels else "")

    def rendered(self, labels: Mapping[str, str], value: str) -> dict[str, str]:
        """Its annotations for these labels, with `value` wherever the value is shown."""
        return {name: _rendered(text, labels, value) for name, text in self.annotations.items()}


def _rendered(text: str, labels: Mapping[str, str], value: str) -> str:
    shown = re.sub(r"\{\{ \$value[^}]*\}\}", value, text)
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda match: labels.get(match[1], ""), shown)


@cache
def rules() -> list[tuple[Path, dict[str, Any]]]:
    """Every rule, recording ones too, with its file."""
    found = []
    for file in FILES:
        for group in YAML(typ="safe").load(file)["groups"]:
            found += [(file, rule) for rule in group["rules"]]
    return found


@cache
def alerts() -> list[Alert]:
    """Every alert."""
    return [
        Alert(file, rule["alert"], rule["expr"], rule["labels"], rule["annotations"])
        for file, rule in rules()
        if "alert" in rule
    ]


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs it. Fails the test, and says what to do, where there is none."""
    found = shutil.which("promtool") or str(ROOT / ".tools/bin/promtool")
    if not Path(found).exists():
        raise AssertionError("promtool is missing: run `scripts/tools.sh ensure promtool`, or `make monitoring`")
    return subprocess.run([found, *arguments], capture_output=True, text=True, timeout=55, check=False)


def judged(
    folder: Path,
    alert: Alert,
    series: Mapping[str, str],
    expected: Sequence[tuple[int, list[dict[str, Any]]]],
    step: int = 1,
) -> str:
    """What promtool has against `expected`: at each minute, exactly these alerts; empty where it is content."""
    tests = {
        "rule_files": [str(alert.file)],
        "evaluation_interval": f"{step}m",
        "group_eval_order": [group["name"] for group in YAML(typ="safe").load(alert.file)["groups"]],
        "tests": [
            {
                "interval": f"{step}m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [
                    {"eval_time": f"{minute}m", "alertname": alert.name, "exp_alerts": wanted}
                    for minute, wanted in expected
                ],
            }
        ],
    }
    file = folder / "test.yaml"
    file.write_text(json.dumps(tests))  # JSON is YAML
    done = promtool("test", "rules", str(file))
    return "" if done.returncode == 0 else done.stdout + done.stderr


def names(expr: str) -> set[str]:
    """The series that an expression names; recorded ones among them."""
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]|\"[^\"]*\"", "", expr)
    bare = re.sub(r"\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", "", bare)
    return {word for word in _words(bare) if "_" in word and word not in FUNCTIONS}


def _words(text: str) -> Iterator[str]:
    return iter(re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", text)) if text else iter(())


FUNCTIONS = {
    "histogram_quantile", "avg_over_time", "max_over_time", "min_over_time", "sum_over_time", "last_over_time",
    "count_over_time", "label_replace", "clamp_min", "clamp_max", "count_values",
}  # fmt: skip
