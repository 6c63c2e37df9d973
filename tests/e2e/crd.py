"""The CRD at the beginning of a run: brought by the chart where there is none."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.e2e.cluster import ROOT, Namespace, run

CRD = "talkagents.talk.dwani.ai"
# A release that is all there but for its pods.
NO_PODS: dict[str, Any] = {
    "gateway": {"replicas": 0},
    "operator": {"replicas": 0},
    "redis": {"enabled": False},
    "agents": {"assistant": None},
}


def there() -> dict[str, Any]:
    """The CRD, or nothing."""
    text = run("kubectl", "get", "crd", CRD, "-o", "json", "--ignore-not-found")
    found: dict[str, Any] = json.loads(text) if text else {}
    return found


def brought_by_the_chart(name: str) -> None:
    """On a cluster that has none: an install makes it, and the end of that release leaves it."""
    space = Namespace.create(name)
    space.install("talk", "--set", "crds.install=true", values=NO_PODS)
    run("kubectl", "wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=30s")
    space.delete()
    if not there():
        pytest.fail("the CRD went with the release that made it")
    disowned()


def applied() -> None:
    """That of this checkout; one that a release owns is left as it is."""
    if "meta.helm.sh/release-name" not in there()["metadata"].get("annotations", {}):
        run("kubectl", "apply", "--server-side", "--force-conflicts", "-f", str(ROOT / "operator/crds"))
        run("kubectl", "wait", "--for=condition=Established", f"crd/{CRD}", "--timeout=30s")


def disowned() -> None:
    """No release owns it any more."""
    marks = ["meta.helm.sh/release-name-", "meta.helm.sh/release-namespace-"]
    run("kubectl", "annotate", "crd", CRD, *marks)
    run("kubectl", "label", "crd", CRD, "app.kubernetes.io/managed-by-")
