"""An operator that starts anew finds all as it should be, and writes nothing.

TALK_E2E_AGENTS=100 make e2e ARGS="-k operator_restart"
"""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

from tests.e2e.api_writes import account, audit_log, audited, counted
from tests.e2e.cluster import Namespace, tiny_agent_image, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
AGENTS = int(os.environ.get("TALK_E2E_AGENTS", "20"))
OPERATOR = "app.kubernetes.io/component=operator"
CHILDREN = "serviceaccounts,configmaps,networkpolicies,services,deployments"


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace) -> Namespace:
    """A release without a model, and agents of a tiny image."""
    shared_namespace.install(
        "talk",
        "--set", "crds.install=false",
        "--set", "agents.assistant=null",
        "--set", "agentDefaults.model.name=openai/none",
        "--set", "gateway.replicas=1",
        "--set", "redis.enabled=false",
    )  # fmt: skip
    agents = [tiny_agent(number) for number in range(AGENTS)]
    shared_namespace.kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": agents})
    )
    shared_namespace.kubectl("wait", "--for=condition=Ready", "talkagents", "--all", "--timeout=600s")
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


def test_a_restart_writes_nothing(talk: Namespace) -> None:
    until("nothing is written any more", lambda: _settled(talk), 120)
    before, old = versions(talk), _operator(talk)
    begun = time.time()
    talk.kubectl("delete", "pod", old, "--wait=false")
    new = until("another pod is at work", lambda: _at_work(talk, old), 90)
    until("every agent was looked at", lambda: _reconciled(talk, new) >= AGENTS or None, 120)
    time.sleep(10)  # a write would come of what the watches tell at first, and of what pods say of themselves
    assert counted(talk, new) == {}
    assert versions(talk) == before
    if audit_log():
        assert audited(account(talk, "talk-operator"), begun) == {}


def versions(talk: Namespace) -> dict[str, str]:
    """Of every TalkAgent and child but the Deployment's own status, which its controller writes."""
    items = talk.get(f"talkagents,{CHILDREN}", selector="talk.dwani.ai/agent") + talk.get("talkagents")["items"]
    return {f"{each['kind']} {each['metadata']['name']}": each["metadata"]["resourceVersion"] for each in items}


def _settled(talk: Namespace) -> bool | None:
    before = versions(talk)
    time.sleep(3)
    return versions(talk) == before or None


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
