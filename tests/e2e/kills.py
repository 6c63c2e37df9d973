"""A process of a pod that is killed as the kernel kills one that needs too much memory: no signal it could handle."""

from __future__ import annotations

import json
import secrets
from typing import Any

from tests.e2e.cluster import Namespace, run, talk_image

# Within a pod nothing can kill its first process: a pod that sees those of its node does. Exit code 1: none was found.
SCRIPT = """
import os, sys
from pathlib import Path
uid, word = sys.argv[1], sys.argv[2].encode()
names = (uid, uid.replace("-", "_"))
found = [
    int(each.name) for each in Path("/proc").glob("[0-9]*")
    if word in (each / "cmdline").read_bytes().split(b"\\0")
    and any(name in (each / "cgroup").read_text() for name in names)
]
for pid in found:
    os.kill(pid, 9)
sys.exit(not found)
"""


def kill_process(pod: dict[str, Any], word: str) -> None:
    """Kills the processes of a pod that have `word` among their arguments. Its container starts anew."""
    killer = Namespace(f"e2e-killer-{secrets.token_hex(2)}")
    run("kubectl", "create", "namespace", killer.name)
    try:
        killer.kubectl("apply", "-f", "-", stdin=json.dumps(_killer(pod, word)))
        killer.kubectl("wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/killer", "--timeout=30s")
    finally:
        run("kubectl", "delete", "namespace", killer.name, "--wait=false")


def _killer(pod: dict[str, Any], word: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "killer"},
        "spec": {
            "nodeName": pod["spec"]["nodeName"],
            "hostPID": True,
            "restartPolicy": "Never",
            "containers": [
                {
                    "name": "killer",
                    "image": talk_image("agent"),
                    "command": ["python", "-c", SCRIPT, pod["metadata"]["uid"], word],
                    "securityContext": {"privileged": True, "runAsUser": 0},
                }
            ],
        },
    }
