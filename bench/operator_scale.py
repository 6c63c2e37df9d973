"""The operator with many TalkAgents on the cluster that KUBECONFIG names: how long, how much, how often it writes.

The TalkAgents have no pods, so that it is the operator that is measured and not the cluster's nodes. They are there
before the operator starts. It has one core at most.
"""

from __future__ import annotations

import json
import re
import secrets
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e import fake_model
from tests.e2e.cluster import Namespace, run, until

COLD_SECONDS, READY_SECONDS = 600.0, 120.0
# Seconds without a write after which nothing more is expected of the start.
CALM = 20.0
IDLE = 60.0
CRD = "talkagents.talk.dwani.ai"
VALUES = {
    "agents.assistant": "null",
    "gateway.replicas": "0",
    "redis.enabled": "false",
    "operator.resources.limits.cpu": "1",
}
_SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$")
Sample = dict[tuple[str, str], float]


@dataclass(frozen=True)
class Scale:
    """A run with so many TalkAgents. Seconds, MiB; `cold` is from the start of the process until all is applied."""

    agents: int
    policies: bool
    cold_seconds: float
    cpu_seconds: float
    peak_mib: float
    writes: dict[str, int]
    idle_writes: int
    idle_cpu_seconds: float
    ready_seconds: list[float] = field(default_factory=list)

    @property
    def writes_per_agent(self) -> float:
        """All writes but those of the Lease."""
        return round(sum(self.writes.values()) / self.agents, 2)

    @property
    def ready_p50(self) -> float | None:
        """From `kubectl apply` of one more agent until it is ready; None where that was not measured."""
        return round(statistics.median(self.ready_seconds), 2) if self.ready_seconds else None


def operator_scale(agents: int, *, more: int = 0, policies: bool = True) -> Scale:
    """Measures with so many TalkAgents, then adds `more` with a pod, one after another.

    `policies`: each TalkAgent has a NetworkPolicy, as by default.
    """
    with _namespace() as namespace:
        model = fake_model.deploy(namespace) if more else ["--set", "agentDefaults.model.name=openai/none"]
        has_crd = bool(run("kubectl", "get", "crd", CRD, "--ignore-not-found", "-o", "name").strip())
        values = {**VALUES, "crds.install": str(not has_crd).lower(), "networkPolicy.enabled": str(policies).lower()}
        namespace.install("talk", *model, *(part for pair in values.items() for part in ("--set", "=".join(pair))))
        _stop(namespace)
        _create(namespace, agents)
        namespace.kubectl("scale", "deployment", "talk-operator", "--replicas=1")
        namespace.kubectl("rollout", "status", "deployment", "talk-operator", "--timeout=120s")
        with namespace.forwarded("deployment/talk-operator", 9090) as metrics:
            found = _measured(metrics, agents)
            return Scale(
                **found, policies=policies, ready_seconds=[_until_ready(namespace, number) for number in range(more)]
            )


def _measured(metrics: httpx.Client, agents: int) -> dict[str, Any]:
    applied = until("all is applied", lambda: _applied(_sample(metrics), agents), COLD_SECONDS)
    at = time.time()
    calm = _calm(metrics)
    time.sleep(IDLE)
    after = _sample(metrics)
    return {
        "agents": agents,
        "cold_seconds": round(at - applied["process_start_time_seconds", ""], 1),
        "cpu_seconds": round(applied["process_cpu_seconds_total", ""], 1),
        "peak_mib": round(max(_resident(each) for each in (applied, calm, after)), 1),
        "writes": _writes(calm),
        "idle_writes": sum(_writes(after).values()) - sum(_writes(calm).values()),
        "idle_cpu_seconds": round(after["process_cpu_seconds_total", ""] - calm["process_cpu_seconds_total", ""], 2),
    }


def _applied(sample: Sample, agents: int) -> Sample | None:
    """The status is what is written last of each agent."""
    return sample if _writes(sample).get("TalkAgent status", 0) >= agents else None


def _calm(metrics: httpx.Client) -> Sample:
    """Waits until nothing has been written for a while."""
    sample, since = _sample(metrics), time.monotonic()
    while time.monotonic() - since < CALM:
        time.sleep(2)
        now = _sample(metrics)
        if _writes(now) != _writes(sample):
            sample, since = now, time.monotonic()
    return _sample(metrics)


def _writes(sample: Sample) -> dict[str, int]:
    found = {}
    for (name, labels), value in sample.items():
        if name == "talk_operator_writes_total":
            told = dict(re.findall(r'(\w+)="([^"]*)"', labels))
            found[f"{told['kind']} {told['verb']}"] = int(value)
    return found


def _resident(sample: Sample) -> float:
    return sample["process_resident_memory_bytes", ""] / (1 << 20)


def _sample(metrics: httpx.Client) -> Sample:
    lines = (_SAMPLE.match(line) for line in metrics.get("/metrics").text.splitlines())
    return {(line[1], line[2] or ""): float(line[3]) for line in lines if line}


def _stop(namespace: Namespace) -> None:
    namespace.kubectl("scale", "deployment", "talk-operator", "--replicas=0")
    pods = ["pod", "-l", "app.kubernetes.io/component=operator"]
    namespace.kubectl("wait", "--for=delete", *pods, "--timeout=60s")


def _create(namespace: Namespace, agents: int) -> None:
    """Half of them suspended, half of them with no replicas."""
    items = [_agent(f"many-{n}", {"suspend": True} if n % 2 else {"replicas": 0}) for n in range(agents)]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": items})
    run("kubectl", "-n", namespace.name, "create", "-f", "-", stdin=given, timeout=600)


def _until_ready(namespace: Namespace, number: int) -> float:
    agent = _agent(f"more-{number}", {})
    begun = time.monotonic()
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(agent))
    waiting = f"--timeout={READY_SECONDS:g}s"
    namespace.kubectl("wait", "--for=condition=Ready", f"talkagent/{agent['metadata']['name']}", waiting)
    return round(time.monotonic() - begun, 2)


def _agent(name: str, spec: dict[str, Any]) -> dict[str, Any]:
    head = {"apiVersion": "talk.dwani.ai/v1alpha1", "kind": "TalkAgent"}
    return {**head, "metadata": {"name": name}, "spec": {"instruction": "Be brief.", **spec}}


@contextmanager
def _namespace() -> Iterator[Namespace]:
    namespace = Namespace(f"bench-{secrets.token_hex(2)}")
    run("kubectl", "create", "namespace", namespace.name)
    try:
        yield namespace
    finally:
        # Thousands of objects are collected after it, which would be in the way of whatever is measured next.
        command = ["kubectl", "delete", "namespace", namespace.name, "--timeout=600s"]
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, timeout=630)
