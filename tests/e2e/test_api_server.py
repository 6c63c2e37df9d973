"""What the API server says to every scenario of the chart, strictly and without doing it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.chart.helm import SCENARIOS, render
from tests.chart.test_scenarios import ACCEPTED
from tests.e2e.cluster import Namespace, run

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.mark.parametrize("values", [*SCENARIOS, *ACCEPTED], ids=lambda path: path.stem)
def test_the_api_server_accepts(shared_namespace: Namespace, values: Path) -> None:
    rendered = render("--namespace", shared_namespace.name, values=values)
    # Other namespaces are not there, nor is Gateway API; the CRD is the session's. A Prometheus operator may be there.
    monitored = "monitoring.coreos.com/v1" in run("kubectl", "api-versions").split()
    objects = [
        each
        for each in rendered.objects
        if each["metadata"].get("namespace", shared_namespace.name) == shared_namespace.name
        and each["kind"] not in ("HTTPRoute", "CustomResourceDefinition")
        and (monitored or not each["apiVersion"].startswith("monitoring.coreos.com/"))
    ]
    for each in objects:
        if each["kind"] == "Service":
            each["spec"].pop("ipFamilies", None)  # those that this cluster may not have
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
    shared_namespace.kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=given)
