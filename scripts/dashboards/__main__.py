"""Writes dashboards/*.json, or with `--check` fails where they differ."""

from __future__ import annotations

import sys
from pathlib import Path

from scripts.dashboards.boards import BOARDS
from scripts.dashboards.build import rendered

FOLDER = Path(__file__).resolve().parents[2] / "dashboards"


def main() -> int:
    """Writes or checks; a file that no board stands for is stale, too."""
    wanted = {FOLDER / f"{board.uid}.json": rendered(board) for board in BOARDS}
    stale = [path for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    stale += [path for path in FOLDER.glob("*.json") if path not in wanted]
    if "--check" in sys.argv:
        for path in stale:
            print(f"dashboards/{path.name} is not what scripts/dashboards says; run `make reference`.", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        if path in wanted:
            path.write_text(wanted[path])
        else:
            path.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
