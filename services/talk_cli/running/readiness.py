"""Asks a process whether it is ready, and what it waits for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx

from talk_cli.running.plan import ChildSpec

PROBE_SECONDS = 2.0


@dataclass(frozen=True)
class Readiness:
    """`waits` says in words what is missing, for people; empty while the process does not answer yet."""

    ready: bool
    waits: tuple[str, ...] = ()


Probe = Callable[[ChildSpec], Awaitable[Readiness]]


def http_probe(client: httpx.AsyncClient) -> Probe:
    """A probe of `/ready`: body `{ready, checks: [{name, ok, message}]}`."""

    async def probe(spec: ChildSpec) -> Readiness:
        try:
            response = await client.get(f"{spec.url}/ready", timeout=PROBE_SECONDS)
            body = response.json()
        except (httpx.HTTPError, ValueError):
            return Readiness(False)
        checks = body.get("checks") if isinstance(body, dict) else None
        return Readiness(response.is_success, tuple(_waits(checks)))

    return probe


def _waits(checks: Any) -> list[str]:
    failing = [check for check in checks or [] if isinstance(check, dict) and not check.get("ok")]
    return [f"{check.get('name')}: {check.get('message') or 'not ready'}" for check in failing]
