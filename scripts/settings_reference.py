"""Writes docs/reference/settings.md and .env.example from the rooms' settings classes.

python -m scripts.settings_reference           writes both
python -m scripts.settings_reference --check   fails where they differ
"""

from __future__ import annotations

import sys
from dataclasses import MISSING
from importlib import import_module
from pathlib import Path
from typing import Any

from talk_kit.settings import declared_settings

ROOT = Path(__file__).resolve().parent.parent
ROOMS = {
    "talk run": "talk_cli.settings",
    "gateway": "talk_gateway.settings",
    "agent": "talk_agent.settings",
    "local": "talk_local.settings",
    "operator": "talk_operator.settings",
}
HEAD = """# Settings

Read once at start, from the environment. An empty variable counts as absent; a `TALK_*` name that is not listed here is
refused with the nearest known one, except `TALK_SECRET_<NAME>_<KEY>`, which stands for a key of a Secret on a laptop.
Traces follow the standard `OTEL_*` variables and are off without them. Written by `make reference`.
"""


def settings_class(module: str) -> type[Any]:
    """A room's `Settings`."""
    cls: type[Any] = import_module(module).Settings
    return cls


def shown_default(default: Any) -> str:
    """A default as one writes it in the environment."""
    if default is MISSING:
        return "(required)"
    if default in (None, "", ()):
        return ""
    if isinstance(default, tuple):
        return ",".join(str(part) for part in default)
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


# The kubelet sets these in every pod.
OF_THE_CLUSTER = "KUBERNETES_"


def reference() -> str:
    """The page."""
    parts = [HEAD]
    for room, module in ROOMS.items():
        parts.append(f"\n## {room}\n\n| variable | default | what |\n| --- | --- | --- |\n")
        for declared in declared_settings(settings_class(module)):
            meta = declared.metadata
            default = shown_default(declared.default)
            unit = f" In {meta['unit']}." if meta["unit"] else ""
            aliases = "".join(f" Or `{alias}`." for alias in meta["aliases"])
            what = f"{meta['doc']}{unit}{aliases}".replace("|", "\\|")
            parts.append(f"| `{meta['env']}` | {f'`{default}`' if default else ''} | {what} |\n")
    return "".join(parts)


def example() -> str:
    """Each variable that people set, once, commented out, with what it is."""
    lines = ["# Settings of Talk, all optional. Copy to .env and `set -a; . ./.env; set +a`.", ""]
    seen = set()
    for module in ROOMS.values():
        for declared in declared_settings(settings_class(module)):
            name = declared.metadata["env"]
            if name not in seen and not name.startswith(OF_THE_CLUSTER):
                seen.add(name)
                default = "" if declared.metadata["secret"] else shown_default(declared.default)
                lines += [f"# {declared.metadata['doc']}", f"#{name}={default if default != '(required)' else ''}"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes or checks."""
    wanted = {ROOT / "docs/reference/settings.md": reference(), ROOT / ".env.example": example()}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.relative_to(ROOT)} is not what the settings say; run `make reference`.", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(wanted[path])
    return 0


if __name__ == "__main__":
    sys.exit(main())
