"""One release that the tests of several modules look at, with a namespace that it also serves and one it does not."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from tests.e2e.cluster import ROOT, Namespace, offline, run
from tests.e2e.workloads import pod

PORT = 8000


@dataclass(frozen=True)
class Served:
    """`release`: the release `talk`. `team`: in its `watchNamespaces`. `outside`: nobody's, with the pod `outsider`."""

    release: Namespace
    team: Namespace
    outside: Namespace

    @classmethod
    def create(cls, prefix: str) -> Served:
        """The three namespaces, empty."""
        tag = secrets.token_hex(2)
        return cls(*(Namespace.create(f"{prefix}{name}-{tag}") for name in ("served", "team", "outside")))

    def install(self) -> None:
        """Until the agent of the values is ready."""
        outsider = pod("outsider", "python", "-m", "http.server", str(PORT), "--directory", "/tmp", port=PORT)
        self.outside.apply(outsider)
        self.release.install("talk", *offline(), values=values(self.team.name))
        self.outside.kubectl("wait", "--for=condition=Ready", "pod/outsider", "--timeout=120s")
        self.release.kubectl("wait", "--for=condition=Ready", "talkagent/assistant", "--timeout=120s")

    @property
    def all(self) -> tuple[Namespace, ...]:
        return self.release, self.team, self.outside


def api_server() -> list[tuple[str, int]]:
    """Addresses and ports behind the Service `kubernetes`."""
    chosen = ["-n", "default", "-l", "kubernetes.io/service-name=kubernetes", "-o", "json"]
    slices = json.loads(run("kubectl", "get", "endpointslices", *chosen))["items"]
    return [(a, p["port"]) for each in slices for e in each["endpoints"] for a in e["addresses"] for p in each["ports"]]


@cache
def asked() -> dict[str, Any]:
    """What authors ask for, allowed and refused, and the values that say so."""
    table: dict[str, Any] = yaml.safe_load((ROOT / "tests/cases/authors.yaml").read_text("utf-8"))
    return table


def values(team: str) -> dict[str, Any]:
    """Besides the offline ones: what authors may ask for, the API server as the cluster says where it is, no volume."""
    return {
        "watchNamespaces": [team],
        "authors": {name: asked()[name] for name in ("images", "serviceAccountNames")},
        "admissionPolicy": {"enabled": True},
        "gateway": {"replicas": 1},
        "redis": {"persistence": {"enabled": False}},
        "networkPolicy": {"apiServer": {"lookup": True}},
    }
