"""Signals from outside to the first process of a container, as the kernel's out-of-memory killer sends them.

A container cannot kill its own first process with -9, and deleting its pod, also by force, sends SIGTERM first. So a
pod of another, privileged, namespace on the same node, which sees the node's processes, does it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import yaml

from tests.e2e.cluster import Namespace, run

KILL = """
import os, sys
pod, container, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
names = {pod, pod.replace('-', '_')}
found = []
for pid in filter(str.isdigit, os.listdir('/proc')):
    try:
        groups = open(f'/proc/{pid}/cgroup').read()
        inside = [line for line in open(f'/proc/{pid}/status') if line.startswith('NSpid')][0].split()
    except OSError:
        continue
    if container in groups and any(name in groups for name in names) and inside[-1] == '1':
        os.kill(int(pid), number)
        found.append(pid)
print(' '.join(found))
assert found, 'no such process'
"""


class Signals:
    """Sends them. Its pods are made where they are needed."""

    def __init__(self, namespace: Namespace, image: str) -> None:
        self._namespace = namespace
        self._image = image
        self._nodes: set[str] = set()

    def send(self, pod: Any, number: int, container: str = "") -> None:
        """To the first process of the pod's (first) container."""
        statuses = pod["status"]["containerStatuses"]
        status = next(each for each in statuses if container in ("", each["name"]))
        container_id = status["containerID"].rpartition("/")[2]
        where = self._pod_on(pod["spec"]["nodeName"])
        arguments = ["python", "-c", KILL, pod["metadata"]["uid"], container_id, str(number)]
        self._namespace.kubectl("exec", where, "--", *arguments)

    def _pod_on(self, node: str) -> str:
        name = f"signals-{node}"
        if node not in self._nodes:
            spec = {
                "hostPID": True,
                "nodeName": node,
                "automountServiceAccountToken": False,
                "terminationGracePeriodSeconds": 0,
                "containers": [
                    {
                        "name": "signals",
                        "image": self._image,
                        "imagePullPolicy": "IfNotPresent",
                        "command": ["sleep", "infinity"],
                        "securityContext": {"runAsUser": 0, "privileged": True},
                    }
                ],
            }
            made = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
            self._namespace.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(made))
            self._namespace.kubectl("wait", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")
            self._nodes.add(node)
        return name


@contextmanager
def signals(image: str) -> Iterator[Signals]:
    """A namespace for the senders, gone at the end."""
    namespace = Namespace(f"e2e-signals-{secrets.token_hex(2)}")
    run("kubectl", "create", "namespace", namespace.name)
    run("kubectl", "label", "namespace", namespace.name, "pod-security.kubernetes.io/enforce=privileged")
    try:
        yield Signals(namespace, image)
    finally:
        run("kubectl", "delete", "namespace", namespace.name, "--wait=false")
