"""What a process wrote to the API server: from its audit log where TALK_E2E_AUDIT_LOG names it, or by its own count."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.e2e.cluster import Namespace

WRITES = ("create", "update", "patch", "delete", "deletecollection")


def audit_log() -> Path | None:
    """The API server's log, of JSON lines without bodies; None where it is not at hand."""
    named = os.environ.get("TALK_E2E_AUDIT_LOG", "none")
    return Path(named) if named not in ("", "none") else None


def audited(user: str, since: float) -> Counter[str]:
    """Writes of a user since then (Unix time) as `verb resource`; those of Leases are left out."""
    found = (_write(event) for event in _events(user) if _at(event) >= since)
    return Counter(each for each in found if each and not each.endswith(" leases"))


def counted(namespace: Namespace, pod: str) -> dict[str, float]:
    """Writes of an operator's process since it began, as it counts them itself: all but those of the Lease."""
    with namespace.forwarded(f"pod/{pod}", 9090) as client:
        lines = client.get("/metrics").text.splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if line.startswith("talk_operator_writes_total{"))
    return {name: float(value) for name, value in pairs if float(value)}


def account(namespace: Namespace, name: str) -> str:
    """How the API server calls a ServiceAccount."""
    return f"system:serviceaccount:{namespace.name}:{name}"


def _events(user: str) -> Iterator[dict[str, Any]]:
    path = audit_log()
    assert path is not None
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if user in line and line.endswith("\n"):
                event: dict[str, Any] = json.loads(line)
                if event["user"]["username"] == user and event["stage"] == "ResponseComplete":
                    yield event


def _write(event: dict[str, Any]) -> str:
    ref = event.get("objectRef", {})
    name = "/".join(part for part in (ref.get("resource", ""), ref.get("subresource", "")) if part)
    return f"{event['verb']} {name}" if event["verb"] in WRITES else ""


def _at(event: dict[str, Any]) -> float:
    return datetime.fromisoformat(event["requestReceivedTimestamp"].replace("Z", "+00:00")).timestamp()
