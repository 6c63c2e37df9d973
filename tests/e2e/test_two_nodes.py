"""A node that is drained, or loses its power, takes no agent away."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from tests.e2e import fake_model
from tests.e2e.asking import Asker, asking
from tests.e2e.cluster import Namespace, until
from tests.e2e.nodes import Spare, nodes_of, spare_node

pytestmark = [pytest.mark.cluster, pytest.mark.two_nodes, pytest.mark.timeout(600)]
# Seconds in which agents answer again, whatever became of the other node; and in which one with a single pod, which is
# away until a new one has started, has it. A start takes two seconds of CPU, and longer on a busy machine.
HEALED = 40.0
STARTED = 120.0
SOLO = "talk.dwani.ai/agent=solo"
AGENTS = ["assistant", "solo"]
SPREAD = {"gateway": "app.kubernetes.io/component=gateway", "assistant": "talk.dwani.ai/agent=assistant"}


@pytest.fixture(scope="module")
def spare() -> Iterator[Spare]:
    found = spare_node()
    found.restore()
    found.leave_dns_out()
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
    deaf = _agent("deaf", {"replicas": 2, "model": {"name": "openai/gone", "baseURL": "http://no-such-model:9/v1"}})
    for each in (solo, deaf):
        shared_namespace.kubectl("apply", "-f", "-", stdin=json.dumps(each))
    return shared_namespace


@pytest.fixture
def spread(talk: Namespace, spare: Spare) -> Namespace:
    """Both nodes have their share, as after the last test they have not."""
    spare.restore()
    for label in (*SPREAD.values(), SOLO):
        if spare.name not in nodes_of(talk, label):
            talk.kubectl("delete", "pods", "-l", label)
    for label in SPREAD.values():
        until(f"{label} on two nodes", lambda label=label: len(nodes_of(talk, label)) == 2 or None, 90)  # type: ignore[misc]
    until("solo on the spare node", lambda: spare.name in nodes_of(talk, SOLO) or None, 60)
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
        print(f"drained in {time.time() - begun:.1f} s")
        _heals(spread, asker, begun)
    assert all(set(nodes_of(spread, label)) == {spare.stays} for label in SPREAD.values())


def test_a_node_that_loses_its_power_takes_no_agent_away(spread: Namespace, spare: Spare) -> None:
    with asking(spread, AGENTS, spare.stays) as asker:
        begun = time.time()
        spare.kill()
        _heals(spread, asker, begun)
        spare.restore()
        until("assistant is whole", lambda: nodes_of(spread, SPREAD["assistant"]).total() == 2 or None, 60)
        assert asker.heals(AGENTS, time.time(), within=10.0) == dict.fromkeys(AGENTS, 0.0)


def _heals(talk: Namespace, asker: Asker, begun: float) -> None:
    healed = asker.heals(AGENTS, begun, within=STARTED)
    pods = [pod["metadata"] for pod in talk.get("pods", selector=SOLO)]
    made = max(datetime.fromisoformat(pod["creationTimestamp"]).timestamp() for pod in pods) - begun
    print(f"seconds to the last failure: {healed}; solo's new pod was made after {made:.0f} s")
    assert healed["assistant"] < HEALED
    assert made < HEALED


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
