"""The corpus of provider bodies, tests/cases/sse.jsonl."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parents[3] / "cases" / "sse.jsonl"


@dataclass(frozen=True)
class Case:
    """One body, and the right turn."""

    id: str
    name: str
    body: bytes
    cuts: list[int]
    status: int
    expect: dict[str, Any]


def cases() -> list[Case]:
    """All of them."""
    return [_case(json.loads(line)) for line in _FILE.read_text("utf-8").split("\n") if line]


def _case(raw: dict[str, Any]) -> Case:
    body = base64.b64decode(raw["body_b64"]) if "body_b64" in raw else raw["body"].encode()
    cuts = raw.get("cuts", [])
    cuts = list(range(1, len(body))) if cuts == "every_byte" else cuts
    return Case(raw["id"], raw["name"], body, cuts, raw.get("status", 200), raw["expect"])
