"""A pod beside the release: providers that can be broken, and a load that knows what it was promised.

The pod runs the gateway's own image with this checkout's tests mounted over it, so that no image is built for it; it
stands inside the cluster because a forwarded port ends with the pod behind it.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

from tests.chaos.history import Difference, compare
from tests.e2e.cluster import ROOT, Namespace, ready_agents, talk_image, until

AGENT = "assistant"
LLM, SPEECH, LOAD = 9000, 9001, 9002
MOUNTED = (
    "tests/__init__.py",
    "tests/fakes/__init__.py",
    "tests/fakes/llm.py",
    "tests/fakes/providers.py",
    "tests/fakes/speech.py",
    "tests/chaos/__init__.py",
    "tests/chaos/client.py",
    "tests/chaos/load.py",
    "tests/chaos/record.py",
)
RUN_SECONDS = 15
# So long no turn has failed when a fault begins.
WELL_SECONDS = 3


@dataclass(frozen=True)
class Row:
    """One fault's line in the table. `lost` counts every turn that history should have and has not, or has twice;
    `late` the failures that began after the fault's end; `slowest_failure` is in seconds.
    """

    fault: str
    sent: int
    failed: int
    retried_well: int
    given_up: int
    lost: int
    recovered_after: float | None
    codes: dict[str, int]
    not_retryable: int
    slowest_failure: float
    difference: Difference
    late: int

    def cells(self) -> list[str]:
        """As the table shows it."""
        recovered = "-" if self.recovered_after is None else f"{self.recovered_after:.1f} s"
        codes = ", ".join(f"{count} {code}" for code, count in sorted(self.codes.items())) or "-"
        return [self.fault, *map(str, (self.sent, self.failed, self.retried_well, self.lost)), recovered, codes]


class Rig:
    """The pod of one namespace, and the release that it talks to."""

    def __init__(self, namespace: Namespace, load: httpx.Client, providers: httpx.Client, rows: list[Row]) -> None:
        self.namespace = namespace
        self._load = load
        self._providers = providers
        self._rows = rows
        self._fault_lasts = False

    def break_providers(self, **wrong: Any) -> None:
        """What goes wrong from now on (`tests.fakes.providers.Faults`); nothing heals everything."""
        self._providers.put("/faults", json=wrong).raise_for_status()

    def start(self, **plan: Any) -> None:
        """Begins a load (`tests.chaos.load.Plan`), and returns when turns go well and none has failed lately."""
        url = f"http://talk-gateway.{self.namespace.name}.svc:8080"
        self._load.post("/start", json={"url": url, "agent": AGENT, **plan}).raise_for_status()
        until("turns go well", self._well, 120)

    def _well(self) -> bool | None:
        before = self.seen()
        time.sleep(WELL_SECONDS)
        now = self.seen()
        return (now["good"] >= before["good"] + 3 and now["failures"] == before["failures"]) or None

    def seen(self) -> Any:
        """How far the load is."""
        return self._load.get("/").json()

    def fault_ends(self) -> None:
        """Recovery counts from now: at the end of what is done to the release, or before it looks at what follows."""
        if self._fault_lasts:
            self._fault_lasts = False
            self._load.post("/fault-ends").raise_for_status()

    def until_more(self, good: int, seconds: float = 120) -> None:
        """Waits for so many more good turns."""
        before = self.seen()["good"]
        until(f"{good} more good turns", lambda: self.seen()["good"] >= before + good or None, seconds)

    def stop(self, fault: str) -> Row:
        """Ends the load, compares what was acknowledged with what Redis holds, and adds the row."""
        report = self._load.post("/stop", timeout=300).raise_for_status().json()
        difference = compare(report["asked"], self._kept(list(report["asked"])))
        lost = sum(len(each) for each in vars(difference).values())
        same = ("sent", "failed", "retried_well", "given_up", "recovered_after", "codes", "not_retryable", "late")
        row = Row(
            fault=fault,
            lost=lost,
            difference=difference,
            slowest_failure=report["slowest_failure"],
            **{name: report[name] for name in same},
        )
        self._rows.append(row)
        print(f"\n{' | '.join(row.cells())}\np50 {report['p50']:.2f} s, p95 {report['p95']:.2f} s")
        for failure in report["failures"]:
            print(failure)
        return row

    def during(self, fault: str, act: Callable[[], None], *, after: int = 20, **plan: Any) -> Row:
        """A load, the fault in it, and so many good turns after the fault's end."""
        self.start(**plan)
        self._fault_lasts = True
        self._load.post("/fault-begins").raise_for_status()
        try:
            act()
            self.fault_ends()
            self.until_more(after)
        except BaseException:  # pytest's own failure is one: the next fault wants a load of its own
            self._load.post("/stop", timeout=300)
            raise
        return self.stop(fault)

    def _kept(self, sessions: list[str]) -> Any:
        script = (ROOT / "tests/chaos/kept.py").read_text()
        where = ["exec", "-i", f"deploy/talkagent-{AGENT}", "--", "python", "-c", script, AGENT]
        return json.loads(self.namespace.kubectl(*where, stdin=json.dumps(sessions)))

    # --- what is around -----------------------------------------------------------------------------------------

    def pods(self, selector: str) -> list[Any]:
        """The pods of a room that are not about to end."""
        found = self.namespace.get("pods", selector=selector)
        return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]

    def ready(self, selector: str) -> list[str]:
        """Names of the pods that are in service."""
        return [
            pod["metadata"]["name"]
            for pod in self.pods(selector)
            if any(each["type"] == "Ready" and each["status"] == "True" for each in pod["status"]["conditions"])
        ]

    def until_whole(self, seconds: float = 180) -> None:
        """Waits until every Deployment and StatefulSet has all its pods ready, and the gateway knows the agent."""
        until("every pod is ready", lambda: self._whole() or None, seconds)

    def _whole(self) -> bool:
        found = self.namespace.get("deployments,statefulsets")
        wanted = [(each["spec"]["replicas"], each["status"]) for each in found]
        return all(
            status.get("readyReplicas", 0) == replicas == status.get("updatedReplicas", replicas)
            and status.get("replicas", 0) == replicas
            for replicas, status in wanted
        )

    def restarts(self, name: str = "") -> int:
        """Of all containers of the release, or of one pod. Pods that are about to end do not count: when they are gone
        the sum would be less.
        """
        pods = [pod for pod in self.pods("") if name in ("", pod["metadata"]["name"])]
        statuses = [status for pod in pods for status in pod["status"].get("containerStatuses", [])]
        return sum(status["restartCount"] for status in statuses)

    def redis(self, *command: str) -> str:
        """A command of redis-cli in Redis' pod."""
        words = " ".join(command)
        script = f'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli --raw {words}'
        return self.namespace.kubectl("exec", "talk-redis-0", "-c", "redis", "--", "sh", "-c", script)


def values(namespace: str, *, away_from: str = "") -> dict[str, Any]:
    """The release under test: two gateways and two agents, Redis on a volume. `away_from` is a node that is to die."""
    node = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [away_from]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [node]}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}} if away_from else {}
    host = f"rig.{namespace}.svc"
    return {
        "crds": {"install": False},
        "agents": {AGENT: {"replicas": 2}},
        "agentDefaults": {
            "model": {"name": "openai/fake", "baseURL": f"http://{host}:{LLM}/v1"},
            "limits": {"runTimeout": f"{RUN_SECONDS}s", "concurrentTurns": 100},
            "drainSeconds": 20,
        },
        "speech": {"providers": [{"name": "default", "baseURL": f"http://{host}:{SPEECH}/v1"}]},
        "gateway": {"replicas": 2, "drainSeconds": 20},
        "redis": {"maxMemoryMiB": 64, "persistence": {"size": "1Gi"}, "affinity": affinity},
    }


@contextmanager
def rig(namespace: Namespace, rows: list[Row], *, away_from: str = "") -> Iterator[Rig]:
    """The release, the pod, and all of it ready."""
    _make_pod(namespace, away_from)
    install(namespace, values(namespace.name, away_from=away_from))
    namespace.kubectl("wait", "--for=condition=Ready", "pod/rig", "--timeout=120s")
    with namespace.forwarded("svc/talk-gateway", 8080) as gateway:
        until("the agent is ready", lambda: ready_agents(gateway) or None, 120)
    with forwarded(namespace, LOAD) as load, forwarded(namespace, SPEECH) as providers:
        made = Rig(namespace, load, providers, rows)
        made.until_whole()
        yield made


def install(namespace: Namespace, given: dict[str, Any], *arguments: str) -> None:
    """Installs or upgrades the release with these values."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(given, file)
        file.flush()
        namespace.install("talk", "-f", file.name, *arguments)


def forwarded(namespace: Namespace, port: int) -> Any:
    """A client of one of the pod's ports."""
    return namespace.forwarded("pod/rig", port)


def _make_pod(namespace: Namespace, away_from: str) -> None:
    names = {path: path.replace("/", "-") for path in MOUNTED}
    files = {key: (ROOT / path).read_text() for path, key in names.items()}
    items = [{"key": key, "path": path} for path, key in names.items()]
    node = {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": [away_from]}
    terms = {"nodeSelectorTerms": [{"matchExpressions": [node]}]}
    ports = ["--llm-port", str(LLM), "--speech-port", str(SPEECH)]
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}},
        "volumes": [{"name": "tests", "configMap": {"name": "rig", "items": items}}],
        "containers": [
            _container("providers", talk_image("gateway"), SPEECH, ["tests.fakes.providers", *ports]),
            _container("load", talk_image("gateway"), LOAD, ["tests.chaos.load", "--port", str(LOAD)]),
        ],
    }
    meta = {"name": "rig", "labels": {"app": "rig"}}
    exposed = [{"name": name, "port": port} for name, port in (("llm", LLM), ("speech", SPEECH))]
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": files},
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": meta,
            "spec": {"selector": {"app": "rig"}, "ports": exposed},
        },
        {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec},
    ]
    namespace.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(objects))


def _container(name: str, image: str, port: int, module: list[str]) -> dict[str, Any]:
    return {
        "name": name,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "-m", *module, "--host", "0.0.0.0"],
        "workingDir": "/load",
        "env": [{"name": "PYTHONPATH", "value": "/load"}],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": port}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
        "volumeMounts": [{"name": "tests", "mountPath": "/load", "readOnly": True}],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }


def table(rows: list[Row]) -> str:
    """All rows, for people."""
    head = ["fault", "turns sent", "failed", "retried well", "lost events", "time to recover", "what was seen"]
    lines = [head, ["---"] * len(head), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def wait(seconds: float) -> None:
    """Lets a fault last: its length is the subject, so this is by the clock."""
    time.sleep(seconds)
