"""The cluster that KUBECONFIG names: kubectl, helm, namespaces that keep their evidence, forwarded ports."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import httpx
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/talk"
EVIDENCE = ROOT / "test-results/e2e"

T = TypeVar("T")


def run(*command: str, check: bool = True, timeout: float = 300, stdin: str | None = None) -> str:
    """What a program prints; on failure the test fails with all it said."""
    program = shutil.which(command[0])
    if program is None:
        pytest.fail(f"{command[0]} is not on PATH")
    done = subprocess.run(
        [program, *command[1:]], input=stdin, capture_output=True, text=True, timeout=timeout, check=False
    )
    if check and done.returncode:
        pytest.fail(f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def until(what: str, check: Callable[[], T | None], seconds: float) -> T:
    """The first result of `check` that is not None, or the test fails."""
    end = time.monotonic() + seconds
    while (found := check()) is None:
        if time.monotonic() > end:
            pytest.fail(f"not within {seconds:g} s: {what}")
        time.sleep(0.25)
    return found


def offline() -> list[str]:
    """Values of an install that needs no provider. Replies are short, so that tests are; the CRD is the session's."""
    values = ["local.enabled=true", "local.maxTokens=40", "crds.install=false"]
    return [part for value in values for part in ("--set", value)]


def talk_image(room: str) -> str:
    """The image of a room under test."""
    tag = os.environ.get("TALK_E2E_TAG") or yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
    return f"ghcr.io/dwani-ai/talk-{room}:{tag}"


def built_images() -> list[str]:
    """Values that name the images of TALK_E2E_TAG; without it the chart's own version."""
    tag = os.environ.get("TALK_E2E_TAG")
    rooms = ("gateway", "operator", "local", "agentDefaults") if tag else ()
    return [part for room in rooms for part in ("--set-string", f"{room}.image.tag={tag}")]


def tiny_agent_image() -> str:
    """An image of one's own that is an agent, of `tiny_agent/`; `make e2e` builds it."""
    return talk_image("tiny-agent")


def ready_agents(client: httpx.Client) -> list[str]:
    """Names of the agents that the gateway would send turns to."""
    return [each["name"] for each in client.get("/v1/agents").json()["agents"] if each["ready"]]


def is_ready(obj: Any) -> bool:
    """Whether its condition Ready is true."""
    conditions = obj.get("status", {}).get("conditions", [])
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


class Namespace:
    """A namespace of one test, of a module's, or of the whole run."""

    made: ClassVar[list[str]] = []

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def create(cls, name: str) -> Namespace:
        """Makes one whose pods must be restricted; of workloads whose pods are not, the API server warns."""
        run("kubectl", "create", "namespace", name)
        modes = [f"pod-security.kubernetes.io/{mode}=restricted" for mode in ("enforce", "warn")]
        run("kubectl", "label", "namespace", name, *modes)
        cls.made.append(name)
        return cls(name)

    def apply(self, *objects: dict[str, Any]) -> None:
        """Applies objects as they are."""
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.kubectl("apply", "-f", "-", stdin=given)

    def python(self, pod: str, program: str, *arguments: str) -> str:
        """What a program prints in a pod of one of Talk's images."""
        return self.kubectl("exec", pod, "--", "python", "-c", program, *arguments)

    def pod(self, selector: str) -> Any:
        """The one pod that has these labels, does not end and is ready."""
        return until(f"one ready pod of {selector} in {self.name}", lambda: self._ready_pod(selector), 120)

    def _ready_pod(self, selector: str) -> Any:
        pods = [each for each in self.get("pods", selector=selector) if not each["metadata"].get("deletionTimestamp")]
        return pods[0] if len(pods) == 1 and is_ready(pods[0]) else None

    def condition(self, agent: str, kind: str) -> dict[str, str]:
        """A condition of a TalkAgent; empty while it has none."""
        seen = self.get("talkagent", agent).get("status", {}).get("conditions", [])
        return next((each for each in seen if each["type"] == kind), {})

    def delete(self) -> None:
        """Uninstalls what is there, and deletes the namespace without waiting for it."""
        for release in self.helm("list", "-q", check=False).split():
            self.helm("uninstall", release, "--wait", check=False)
        run("kubectl", "delete", "namespace", self.name, "--wait=false", "--ignore-not-found")

    def kubectl(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """kubectl within the namespace."""
        return run("kubectl", "-n", self.name, *arguments, check=check, stdin=stdin)

    def get(self, kind: str, name: str = "", selector: str = "") -> Any:
        """An object, or with a selector the items."""
        chosen = ["-l", selector] if selector else [name] if name else []
        found = json.loads(self.kubectl("get", kind, *chosen, "-o", "json"))
        return found.get("items", found)

    def helm(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """helm within the namespace."""
        return run("helm", "-n", self.name, *arguments, check=check, timeout=600, stdin=stdin)

    def install(self, release: str, *arguments: str, values: dict[str, Any] | None = None, wait: int = 300) -> str:
        """Installs or upgrades the chart and waits until all is ready; `wait=0` does not."""
        waiting = ["--wait", "--timeout", f"{wait}s"] if wait else []
        given, stdin = (["-f", "-"], json.dumps(values)) if values else ([], None)
        chart = ["upgrade", "--install", release, str(CHART)]
        return self.helm(*chart, *waiting, *built_images(), *given, *arguments, stdin=stdin)

    @contextmanager
    def forwarded(self, target: str, port: int) -> Iterator[httpx.Client]:
        """A client of a Service or a pod, through a forwarded port."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            local = free.getsockname()[1]
        process = subprocess.Popen(
            ["kubectl", "-n", self.name, "port-forward", target, f"{local}:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{local}", timeout=120) as client:
                until(f"{target} answers", lambda: _answers(client), 30)
                yield client
        finally:
            process.terminate()
            process.wait(10)

    def look_at_volumes(self, selector: str) -> None:
        """Has the kubelet put changed Secrets and ConfigMaps into the pods now, instead of within its minute or so: it
        does when a pod changes.
        """
        self.kubectl("annotate", "pod", "-l", selector, f"looked-at={time.time_ns()}", "--overwrite")

    def keep_evidence(self, test: str) -> Path:
        """Writes events, objects and logs of the namespace to test-results/."""
        folder = EVIDENCE / re.sub(r"[^A-Za-z0-9._-]+", "-", test)
        folder.mkdir(parents=True, exist_ok=True)
        everything = "all,configmap,pvc,networkpolicy,pdb,hpa,endpointslice"
        reports = {
            "events.txt": ["get", "events", "--sort-by=.lastTimestamp"],
            "objects.txt": ["get", everything, "-o", "wide"],
            "pods.txt": ["describe", "pods"],
            "talkagents.txt": ["get", "talkagents", "-o", "yaml"],
        }
        for file, arguments in reports.items():
            (folder / file).write_text(self.kubectl(*arguments, check=False))
        for pod in self.kubectl("get", "pods", "-o", "name", check=False).split():
            for suffix, more in (("", []), (".previous", ["--previous"])):
                log = self.kubectl("logs", pod, "--all-containers", "--tail=-1", *more, check=False)
                if log:
                    (folder / f"{pod.rpartition('/')[2]}{suffix}.log").write_text(log)
        return folder


def _answers(client: httpx.Client) -> bool | None:
    try:
        client.get("/healthz", timeout=2)
    except httpx.HTTPError:
        return None
    return True
