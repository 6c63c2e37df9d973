"""A provider of models inside the cluster that answers at once: `tests/fakes/llm.py` in a pod.

What agents say is not what tests of nodes, faults and scale are about, and offline models would take both cores.
"""

from __future__ import annotations

import json
from typing import Any

from tests.e2e.cluster import ROOT, Namespace, talk_image
from tests.e2e.workloads import RESTRICTED

NAME, PORT = "fake-model", 8000


def deploy(namespace: Namespace, node: str = "") -> list[str]:
    """Runs it, on a node of that name where one is given, and gives the chart's values by which agents ask it."""
    source = str(ROOT / "tests/fakes/llm.py")
    namespace.kubectl("create", "configmap", NAME, f"--from-file=llm.py={source}")
    namespace.kubectl("apply", "-f", "-", stdin=json.dumps(_pod(node)))
    namespace.kubectl("create", "service", "clusterip", NAME, f"--tcp={PORT}:{PORT}")
    namespace.kubectl("wait", "--for=condition=Ready", f"pod/{NAME}", "--timeout=60s")
    return [
        "--set", "agentDefaults.model.name=openai/fake",
        "--set", f"agentDefaults.model.baseURL=http://{NAME}.{namespace.name}.svc:{PORT}/v1",
    ]  # fmt: skip


def _pod(node: str) -> dict[str, Any]:
    return script_pod(NAME, ["python", "/scripts/llm.py", str(PORT), "0.0.0.0"], node=node)


def script_pod(name: str, command: list[str], node: str = "") -> dict[str, Any]:
    """A pod that runs a script of the ConfigMap of its name, in the agent's image, which has Python and httpx."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            **({"nodeSelector": {"kubernetes.io/hostname": node}} if node else {}),
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 1,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "script",
                    "image": talk_image("agent"),
                    "command": command,
                    "securityContext": RESTRICTED,
                    "volumeMounts": [{"name": "scripts", "mountPath": "/scripts"}],
                }
            ],
            "volumes": [{"name": "scripts", "configMap": {"name": name}}],
        },
    }
