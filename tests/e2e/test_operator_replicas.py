"""Two replicas of the operator: one works, and when it is killed the other goes on where it was."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e import fake_model
from tests.e2e.cluster import Namespace, until
from tests.e2e.kills import kill_process

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
TAKEN_OVER = 30.0


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace) -> Namespace:
    model = fake_model.deploy(shared_namespace)
    shared_namespace.install(
        "talk", *model,
        "--set", "crds.install=false",
        "--set", "operator.replicas=2",
        "--set", "gateway.replicas=1",
        "--set", "redis.enabled=false",
    )  # fmt: skip
    return shared_namespace


def delete_at_once(namespace: Namespace, pod: dict[str, Any]) -> None:
    namespace.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")


def kill_nine(_namespace: Namespace, pod: dict[str, Any]) -> None:
    kill_process(pod, "talk_operator")


@pytest.mark.parametrize("kill", [delete_at_once, kill_nine])
def test_the_other_replica_takes_over(talk: Namespace, kill: Callable[[Namespace, dict[str, Any]], None]) -> None:
    until("both replicas are there", lambda: _both_ready(talk) or None, 60)
    before = until("one holds the Lease", lambda: _holder(talk) or None, 60)
    worker = talk.get("pod", before.rpartition("_")[0])
    kill(talk, worker)
    begun = time.monotonic()
    # A change that nobody is there to see.
    replicas = 1 + talk.get("talkagent", "assistant")["spec"].get("replicas", 1) % 2
    patch = json.dumps({"spec": {"replicas": replicas}})
    talk.kubectl("patch", "talkagent", "assistant", "--type=merge", "-p", patch)
    after = until("another pod holds the Lease", lambda: _other(talk, worker), TAKEN_OVER)
    print(f"taken over after {time.monotonic() - begun:.1f} s: {before} -> {after}")
    until("the change is done", lambda: _scaled(talk, replicas), TAKEN_OVER - (time.monotonic() - begun))
    print(f"reconciled after {time.monotonic() - begun:.1f} s")


def _both_ready(talk: Namespace) -> bool:
    status: dict[str, Any] = talk.get("deployment", "talk-operator")["status"]
    return status.get("readyReplicas") == 2 and status.get("replicas") == 2


def _holder(talk: Namespace) -> str:
    return str(talk.get("lease", "talk-operator")["spec"].get("holderIdentity", ""))


def _other(talk: Namespace, worker: dict[str, Any]) -> str | None:
    holder = _holder(talk)
    return holder if holder and holder.rpartition("_")[0] != worker["metadata"]["name"] else None


def _scaled(talk: Namespace, replicas: int) -> bool | None:
    agent, made = talk.get("talkagent", "assistant"), talk.get("deployment", "talkagent-assistant")
    told = agent["status"]["observedGeneration"] == agent["metadata"]["generation"]
    return (told and made["spec"]["replicas"] == replicas) or None
