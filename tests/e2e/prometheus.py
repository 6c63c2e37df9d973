"""The Prometheus of the cluster, as far as one namespace is concerned."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.cluster import Namespace

ADDRESS = "TALK_E2E_PROMETHEUS"


def place() -> tuple[str, str]:
    """Namespace and Service of the Prometheus."""
    namespace, _, service = os.environ.get(ADDRESS, "").partition("/")
    if not service:
        pytest.fail(
            f"set {ADDRESS}=NAMESPACE/SERVICE to a Prometheus that takes PodMonitors and PrometheusRules of every "
            "namespace"
        )
    return namespace, service


@dataclass(frozen=True)
class Prometheus:
    """`namespace` is that of the release, whose targets, rules and alerts are meant."""

    client: httpx.Client
    namespace: str

    def targets(self) -> list[dict[str, Any]]:
        """What it scrapes there, or would."""
        found: list[dict[str, Any]] = self._get("targets", state="active")["activeTargets"]
        return [each for each in found if each["labels"].get("namespace") == self.namespace]

    def groups(self) -> dict[str, list[dict[str, Any]]]:
        """The rules of each group that came from there."""
        return {each["name"]: each["rules"] for each in self._get("rules")["groups"] if self.namespace in each["file"]}

    def alerts(self) -> list[dict[str, Any]]:
        """Those that fire, for any namespace's sake, with what /api/v1/alerts says of them."""
        found = self._get("alerts")["alerts"]
        return [each for each in found if each["labels"].get("namespace") == self.namespace]

    def numbers(self, expr: str) -> list[float]:
        """Values of an expression now; what is no number is left out."""
        result = self._get("query", query=expr)["result"]
        values = [float(each["value"][1]) for each in result]
        return [value for value in values if math.isfinite(value)]

    def panel(self, expr: str) -> list[float]:
        """Values of a panel's query, as Grafana asks for the last three minutes of this namespace."""
        filled = expr.replace("$__rate_interval", "3m").replace('"$namespace', f'"{self.namespace}')
        return self.numbers(re.sub(r"\$\w+", ".*", filled))

    def _get(self, path: str, **parameters: str) -> Any:
        answer = self.client.get(f"/api/v1/{path}", params=parameters).json()
        assert answer["status"] == "success", f"{parameters}: {answer}"
        return answer["data"]


@contextmanager
def prometheus(release: Namespace) -> Iterator[Prometheus]:
    """A client of it."""
    namespace, service = place()
    with Namespace(namespace).forwarded(f"svc/{service}", 9090) as client:
        yield Prometheus(client, release.name)
