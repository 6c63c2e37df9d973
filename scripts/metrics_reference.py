"""Writes docs/reference/metrics.md from the metrics that the rooms declare.

python -m scripts.metrics_reference           writes it
python -m scripts.metrics_reference --check   fails where it differs
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from scripts.metrics_inventory import ROOMS, Metric, common, declared

PAGE = Path(__file__).resolve().parent.parent / "docs/reference/metrics.md"
HEAD = """# Metrics

Every process shows its own on `/metrics` in Prometheus' text format: on the port of its API, or on `TALK_METRICS_PORT`
(9090 in a cluster). Times are in seconds, sizes in bytes. Labels are bounded: never a session, a user or a text. Label
sets that are known exist at 0 from the start, so that `rate` and `increase` see the first event.

Bounds of buckets are written as floats: a query names `le="1.0"`, never `le="1"`, which matches nothing.
What is made of them: alerts/, dashboards/, docs/runbook.md. Written by `make reference`.
"""


def table(metrics: list[Metric]) -> str:
    """One row a metric, and its buckets under the table."""
    rows = ["| metric | type | labels | what |", "| --- | --- | --- | --- |"]
    for metric in metrics:
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        rows.append(f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help.replace('|', chr(92) + '|')} |")
    buckets: dict[tuple[float, ...], list[str]] = {}
    for metric in metrics:
        if metric.buckets:
            buckets.setdefault(metric.buckets, []).append(f"`{metric.name}`")
    notes = [f"\nBuckets of {', '.join(names)}: {', '.join(map(str, bounds))}." for bounds, names in buckets.items()]
    return "\n".join(rows + notes) + "\n"


def sections() -> dict[str, str]:
    """The page's parts by heading; a room that is not installed has none."""
    found = {room: table(metrics) for room in ROOMS if (metrics := declared(room))}
    return {**found, "every process": table(common())}


def reference(page: str) -> str:
    """The page. The section of a room that is not installed stays as it is in `page`."""
    kept = dict(re.findall(r"^## (.+)\n\n((?:(?!^## ).*\n)*)", page, re.MULTILINE))
    parts = {**kept, **sections()}
    order = [title for title in (*ROOMS, "every process") if title in parts]
    return HEAD + "".join(f"\n## {title}\n\n{parts[title].rstrip()}\n" for title in order)


def main() -> int:
    """Writes or checks."""
    before = PAGE.read_text() if PAGE.exists() else ""
    after = reference(before)
    if "--check" not in sys.argv:
        PAGE.write_text(after)
    elif before != after:
        print("docs/reference/metrics.md is not what the rooms declare; run `make reference`.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
