"""Writes charts/talk/README.md from the comments of values.yaml.

    python -m scripts.chart_readme           writes it
    python -m scripts.chart_readme --check   fails where it differs

A comment that begins with `# --` describes the key below it. Keys without one are headings of those within.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "charts/talk"
_KEY = re.compile(r"^( *)([A-Za-z][A-Za-z0-9]*):")
_LONGEST_DEFAULT = 60
HEAD = """# The chart of Talk

Voice and chat agents on Kubernetes: gateway, operator, Redis and, where wanted, offline speech and a demonstration
model. Kubernetes 1.29 or newer.

```
helm install talk charts/talk --set local.enabled=true    # talks with no key at all
helm test talk                                            # one real turn
```

More is in [install](../../docs/how-to/install.md) and [upgrade](../../docs/how-to/upgrade.md).
Folders of templates are components; every name is made in `templates/_names.tpl`; `ci/` has values that are tested.

## Values
Unknown values are refused. Written by `python -m scripts.chart_readme`.

| value | default | what |
| --- | --- | --- |
"""


class Value(NamedTuple):
    """A described value: where it is, and its comment."""

    path: tuple[str, ...]
    text: str


def described(lines: list[str]) -> Iterator[Value]:
    """Each key with a `# --` comment above it."""
    path: list[tuple[int, str]] = []
    comment: list[str] = []
    for line in lines:
        stripped = line.strip()
        if stripped.startswith("# -- "):
            comment = [stripped.removeprefix("# -- ")]
        elif stripped.startswith("# ") and comment:
            comment.append(stripped.removeprefix("# "))
        elif match := _KEY.match(line):
            indent = len(match[1])
            path = [*(entry for entry in path if entry[0] < indent), (indent, match[2])]
            if comment:
                yield Value(tuple(key for _, key in path), " ".join(comment))
            comment = []
        else:
            comment = []


def shown(value: Any) -> str:
    """A default as one writes it."""
    text = json.dumps(value)
    if isinstance(value, Mapping | list) and len(text) > _LONGEST_DEFAULT:
        return "see values.yaml"
    return "" if value is None or value == "" else f"`{text}`"


def readme() -> str:
    """The page."""
    text = (CHART / "values.yaml").read_text("utf-8")
    values = YAML(typ="safe").load(text)
    rows = []
    for value in described(text.splitlines()):
        default = values
        for key in value.path:
            default = default[key]
        what = value.text.replace("|", "\\|")
        rows.append(f"| `{'.'.join(value.path)}` | {shown(default)} | {what} |\n")
    return HEAD + "".join(rows)


def main() -> int:
    """Writes or checks."""
    page = CHART / "README.md"
    stale = not page.exists() or page.read_text("utf-8") != readme()
    if "--check" in sys.argv:
        if stale:
            print("charts/talk/README.md is not what values.yaml says; run `make reference`.", file=sys.stderr)
        return int(stale)
    page.write_text(readme(), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
