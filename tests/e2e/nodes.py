"""The nodes of the cluster, and the one that may be drained and killed."""

from __future__ import annotations

import json
import os
import shlex
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.cluster import Namespace, run, until


@dataclass(frozen=True)
class Spare:
    """The node that tests may take away, and another one that stays, which has what must not go with it.

    How a node is killed and switched on again is a command of the cluster at hand, which gets the node's name as
    its last argument: `docker kill` for kind.
    """

    name: str
    stays: str

    def drain(self, seconds: int = 150) -> None:
        """As an administrator does it; pods of other tests that nothing makes anew go too. A pod that may not go
        within `seconds` fails the test.
        """
        options = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", f"--timeout={seconds}s"]
        run("kubectl", "drain", self.name, *options, timeout=seconds + 30)

    def leave_dns_out(self) -> None:
        """The cluster's DNS runs elsewhere: a single pod of it would go with the node, and with it every name."""
        dns, pods = Namespace("kube-system"), "k8s-app=kube-dns"
        run("kubectl", "cordon", self.name)
        dns.kubectl("delete", "pods", "-l", pods, "--field-selector", f"spec.nodeName={self.name}")
        until("DNS is elsewhere", lambda: set(nodes_of(dns, pods)) - {self.name} or None, 90)
        run("kubectl", "uncordon", self.name)

    def kill(self) -> None:
        """At once and with all its pods, as when its power fails."""
        _command("TALK_E2E_KILL_NODE", self.name)

    def restore(self) -> None:
        """On and taking pods, whatever was done to it."""
        if not self.ready():
            _command("TALK_E2E_START_NODE", self.name)
            until(f"the node {self.name} is ready", lambda: self.ready() or None, 120)
        run("kubectl", "uncordon", self.name)

    def ready(self) -> bool:
        """Whether the control plane counts it in."""
        return any(name == self.name and well for name, well in _nodes())


def spare_node() -> Spare:
    """The node that TALK_E2E_SPARE_NODE names. Fails where there is none, or no other one beside."""
    name = os.environ.get("TALK_E2E_SPARE_NODE", "")
    nodes = [each for each, _ in _nodes()]
    if name not in nodes or len(nodes) < 2:
        pytest.fail(f"TALK_E2E_SPARE_NODE must name one of two or more nodes; it is {name!r}, and there are {nodes}")
    return Spare(name, next(each for each in nodes if each != name))


def nodes_of(namespace: Namespace, selector: str) -> Counter[str]:
    """How many ready pods of a selector each node has."""
    pods = namespace.get("pods", selector=selector)
    return Counter(pod["spec"]["nodeName"] for pod in pods if _ready(pod))


def _ready(pod_or_node: dict[str, Any]) -> bool:
    conditions = {each["type"]: each["status"] for each in pod_or_node["status"].get("conditions", [])}
    return conditions.get("Ready") == "True" and "deletionTimestamp" not in pod_or_node["metadata"]


def _nodes() -> list[tuple[str, bool]]:
    """Name and readiness of the nodes that take pods: not of one that is kept for the control plane."""
    items = json.loads(run("kubectl", "get", "nodes", "-o", "json"))["items"]
    return [(each["metadata"]["name"], _ready(each)) for each in items if not _kept(each)]


def _kept(node: dict[str, Any]) -> bool:
    return any(each["key"] == "node-role.kubernetes.io/control-plane" for each in node["spec"].get("taints", []))


def _command(variable: str, node: str) -> None:
    words = shlex.split(os.environ.get(variable, ""))
    if not words:
        pytest.fail(f"{variable} must be a command that takes a node's name")
    run(*words, node, timeout=180)
