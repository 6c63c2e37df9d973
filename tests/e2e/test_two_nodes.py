"""A node that is drained, or loses its power, takes no agent away."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e import fake_model
from tests.e2e.asking import asking
from tests.e2e.cluster import Namespace, until
from tests.e2e.nodes import Spare, nodes_of, spare_node

pytestmark = [pytest.mark.cluster, pytest.mark.two_nodes, pytest.mark.timeout(600)]
# Seconds in which agents answer again, whatever became of the other node.
HEALED = 40.0
AGENTS = ["assistant", "solo"]
SPREAD = {"gateway": "app.kubernetes.io/component=gateway", "assistant": "talk.dwani.ai/agent=assistant"}


@pytest.fixture(scope="module")
def spare() -> Iterator[Spare]:
    found = spare_node()
    found.restore()
    yield found
    found.restore()


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace, spare: Spare) -> Namespace:
    """Two pods of gateway, operator and assistant; what has one pod for good is on the node that stays."""
    stays = spare.stays.replace(".", "\\.")
    model = fake_model.deploy(shared_namespace, spare.stays)
    shared_namespace.install(
        "talk", *model,
        "--set", "crds.install=false",
        "--set", "operator.replicas=2",
        "--set", "agents.assistant.replicas=2",
        "--set", "redis.persistence.enabled=false",
        "--set-string", f"redis.nodeSelector.kubernetes\\.io/hostname={stays}",
    )  # fmt: skip
    solo = _agent("solo", {"pod": {"affinity": _prefers(spare.name)}})
    deaf = _agent("deaf", {"replicas": 2, "model": {"name": "openai/gone", "baseURL": "http://127.0.0.1:9/v1"}})
    for each in (solo, deaf):
        shared_namespace.kubectl("apply", "-f", "-", stdin=json.dumps(each))
    return shared_namespace


@pytest.fixture
def spread(talk: Namespace, spare: Spare) -> Namespace:
    """Both nodes have their share, as after the last test they have not."""
    spare.restore()
    for label in (*SPREAD.values(), "talk.dwani.ai/agent=solo"):
        if spare.name not in nodes_of(talk, label):
            talk.kubectl("delete", "pods", "-l", label)
    for label in SPREAD.values():
        until(f"{label} on two nodes", lambda label=label: len(nodes_of(talk, label)) == 2 or None, 90)  # type: ignore[misc]
    until("solo on the spare node", lambda: spare.name in nodes_of(talk, "talk.dwani.ai/agent=solo") or None, 60)
    return talk


def test_replicas_are_spread(spread: Namespace) -> None:
    for label in (*SPREAD.values(), "app.kubernetes.io/component=operator"):
        assert sorted(nodes_of(spread, label).values()) == [1, 1], label


def test_a_drained_node_takes_no_agent_away(spread: Namespace, spare: Spare) -> None:
    """Not even with an agent whose pods are not ready: its budget lets those go."""
    until("deaf has two pods", lambda: len(spread.get("pods", selector="talk.dwani.ai/agent=deaf")) == 2 or None, 60)
    with asking(spread, AGENTS, spare.stays) as asker:
        begun = time.time()
        spare.drain()
        healed = asker.heals(AGENTS, begun, within=HEALED)
    print(f"drained in {time.time() - begun:.1f} s; last failure after: {healed}")
    assert max(healed.values()) < HEALED
    assert all(set(nodes_of(spread, label)) == {spare.stays} for label in SPREAD.values())


def test_a_node_that_loses_its_power_takes_no_agent_away(spread: Namespace, spare: Spare) -> None:
    with asking(spread, AGENTS, spare.stays) as asker:
        begun = time.time()
        spare.kill()
        healed = asker.heals(AGENTS, begun, within=HEALED)
        print(f"killed; last failure after: {healed}")
        assert max(healed.values()) < HEALED
        spare.restore()
        until("assistant is whole", lambda: nodes_of(spread, SPREAD["assistant"]).total() == 2 or None, 60)
        assert asker.heals(AGENTS, time.time(), within=10.0) == dict.fromkeys(AGENTS, 0.0)


def _agent(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "talk.dwani.ai/v1alpha1",
        "kind": "TalkAgent",
        "metadata": {"name": name},
        "spec": {"instruction": "Be brief.", **spec},
    }


def _prefers(node: str) -> dict[str, Any]:
    term = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    wish = {"weight": 100, "preference": {"matchExpressions": [term]}}
    return {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [wish]}}
