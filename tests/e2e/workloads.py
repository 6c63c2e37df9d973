"""Pods that are no part of Talk: what tests ask from, or what Talk asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.cluster import talk_image

Object = dict[str, Any]
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pod(name: str, *command: str, port: int, files: str = "", of: str = "") -> Object:
    """A restricted pod; `files` is a ConfigMap or `of` a Secret that is mounted at /files. Ready when it listens."""
    source = {"secret": {"secretName": of, "defaultMode": 0o444}} if of else {"configMap": {"name": files}}
    volumes = [{"name": "files", **source}] if files or of else []
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "runAsGroup": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": name,
                    "image": talk_image("agent"),
                    "imagePullPolicy": "IfNotPresent",
                    "command": list(command),
                    "readinessProbe": {"tcpSocket": {"port": port}, "periodSeconds": 1},
                    "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
                    "securityContext": RESTRICTED,
                    "volumeMounts": [{"name": "files", "mountPath": "/files", "readOnly": True}] if volumes else [],
                }
            ],
            "volumes": volumes,
        },
    }


def service(name: str, port: int) -> Object:
    """A Service of the pod of that name."""
    spec = {"selector": {"app": name}, "ports": [{"port": port, "targetPort": port}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def scripted_model(name: str = "model") -> list[Object]:
    """The model of scripted_model.py, at http://NAME:8000/v1."""
    program = Path(__file__).with_name("scripted_model.py").read_text()
    files = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"scripted_model.py": program},
    }
    return [files, pod(name, "python", "/files/scripted_model.py", "8000", port=8000, files=name), service(name, 8000)]


def talk_agent(name: str, instruction: str, model_url: str, **spec: Any) -> Object:
    """A TalkAgent."""
    model = {"name": "openai/scripted", "baseURL": model_url}
    return {
        "apiVersion": "talk.dwani.ai/v1alpha1",
        "kind": "TalkAgent",
        "metadata": {"name": name},
        "spec": {"instruction": instruction, "model": model, **spec},
    }
