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
from typing import Any, TypeVar

import httpx
import pytest

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


def built_images() -> list[str]:
    """Values that name the images of TALK_E2E_TAG; without it the chart's own version."""
    tag = os.environ.get("TALK_E2E_TAG")
    rooms = ("gateway", "operator", "local", "agentDefaults") if tag else ()
    return [part for room in rooms for part in ("--set-string", f"{room}.image.tag={tag}")]


def talk_image(room: str) -> str:
    """The image of a room under test."""
    version = re.search(r"^appVersion: (.+)$", (CHART / "Chart.yaml").read_text(), re.MULTILINE)
    assert version is not None
    return f"ghcr.io/dwani-ai/talk-{room}:{os.environ.get('TALK_E2E_TAG') or version[1]}"


def tiny_agent_image() -> str:
    """An image of one's own that is an agent, of `tiny_agent/`; `make e2e` builds it."""
    return talk_image("tiny-agent")


def ready_agents(client: httpx.Client) -> list[str]:
    """Names of the agents that the gateway would send turns to."""
    return [each["name"] for each in client.get("/v1/agents").json()["agents"] if each["ready"]]


class Namespace:
    """A namespace of one test."""

    def __init__(self, name: str) -> None:
        self.name = name

    def kubectl(self, *arguments: str, check: bool = True, stdin: str | None = None) -> str:
        """kubectl within the namespace."""
        return run("kubectl", "-n", self.name, *arguments, check=check, stdin=stdin)

    def get(self, kind: str, name: str = "", selector: str = "") -> Any:
        """An object, or with a selector the items."""
        chosen = ["-l", selector] if selector else [name] if name else []
        found = json.loads(self.kubectl("get", kind, *chosen, "-o", "json"))
        return found.get("items", found)

    def helm(self, *arguments: str, check: bool = True) -> str:
        """helm within the namespace."""
        return run("helm", "-n", self.name, *arguments, check=check, timeout=600)

    def install(self, release: str, *arguments: str, wait: int = 300) -> str:
        """Installs or upgrades the chart and waits until all is ready."""
        waiting = ["--wait", "--timeout", f"{wait}s"]
        return self.helm("upgrade", "--install", release, str(CHART), *waiting, *built_images(), *arguments)

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
