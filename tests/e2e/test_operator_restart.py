"""An operator that starts anew finds all as it should be, and writes to nothing.

TALK_E2E_AGENTS=100 make e2e ARGS="-k operator_restart"
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

from tests.e2e.api_writes import account, audit_log, audited, counted
from tests.e2e.cluster import Namespace, run, tiny_agent_image, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
AGENTS = int(os.environ.get("TALK_E2E_AGENTS", "20"))
OPERATOR = "app.kubernetes.io/component=operator"


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace) -> Namespace:
    """A release without a model, and agents of a tiny image."""
    shared_namespace.install(
        "talk",
        "--set", "crds.install=false",
        "--set", "agents.assistant=null",
        "--set", "authors.images={ghcr.io/dwani-ai}",
        "--set", "agentDefaults.model.name=openai/none",
        "--set", "gateway.replicas=1",
        "--set", "redis.enabled=false",
    )  # fmt: skip
    agents = [tiny_agent(number) for number in range(AGENTS)]
    shared_namespace.kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": agents})
    )
    waiting = ("wait", "--for=condition=Ready", "talkagents", "--all", "--timeout=600s")
    run("kubectl", "-n", shared_namespace.name, *waiting, timeout=620)
    return shared_namespace


def tiny_agent(number: int) -> dict[str, Any]:
    return {
        "apiVersion": "talk.dwani.ai/v1alpha1",
        "kind": "TalkAgent",
        "metadata": {"name": f"tiny-{number}"},
        "spec": {
            "instruction": "Be brief.",
            "image": tiny_agent_image(),
            "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
        },
    }


def test_a_restart_writes_to_no_object_of_an_agent(talk: Namespace) -> None:
    """What a pod that loses its readiness meanwhile makes of the status is not the restart's."""
    old, begun = _operator(talk), time.time()
    talk.kubectl("delete", "pod", old, "--wait=false")
    new = until("another pod is at work", lambda: _at_work(talk, old), 90)
    until("every agent was looked at", lambda: _reconciled(talk, new) >= AGENTS or None, 120)
    time.sleep(10)  # a write would come of what the watches tell at first, and of what pods say of themselves
    own = counted(talk, new)
    print(f"writes of the new process: {own}")
    assert not [name for name in own if 'kind="TalkAgent"' not in name and 'kind="Event"' not in name]
    if audit_log():
        seen = audited(account(talk, "talk-operator"), begun)
        print(f"in the audit log: {dict(seen)}")
        assert not set(seen) - {"patch talkagents/status", "create events"}


def _operator(talk: Namespace) -> str:
    return str(talk.get("pods", selector=OPERATOR)[0]["metadata"]["name"])


def _at_work(talk: Namespace, old: str) -> str | None:
    holder = str(talk.get("lease", "talk-operator")["spec"].get("holderIdentity", "")).rpartition("_")[0]
    names = [each["metadata"]["name"] for each in talk.get("pods", selector=OPERATOR)]
    return holder if holder in names and holder != old else None


def _reconciled(talk: Namespace, pod: str) -> float:
    with talk.forwarded(f"pod/{pod}", 9090) as client:
        lines = client.get("/metrics").text.splitlines()
    found = (line for line in lines if line.startswith("controller_runtime_reconcile_total"))
    return sum(float(line.rsplit(" ", 1)[1]) for line in found)
