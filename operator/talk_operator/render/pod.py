"""The pod of an agent: what Talk sets is not the author's to change, `spec.pod` adds to it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from talk_kit.redis_users import user_name
from talk_kit.talkagent.references import KeyRef
from talk_operator.config import Config, Object
from talk_operator.render.agent_file import digest, references
from talk_operator.render.identity import labels, object_name, selector

PORT = 8081
CONFIG_HASH = "talk.dwani.ai/config-hash"
FOLDER = "/etc/talk"
# The public keys of the gateway; its private one is in no pod but its own.
IDENTITY = "/etc/talk-identity"
# The password of the agent's Redis user, and what it takes to write it: 18 MB and 0.06 s.
REDIS_USER = "/etc/talk-redis-user"
_WRITER_RESOURCES = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"cpu": "500m", "memory": "64Mi"}}
_SECURITY = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
_MOUNT = {"name": "talk-redis-user", "mountPath": REDIS_USER}
_IN_MEMORY = {"medium": "Memory", "sizeLimit": "1Mi"}
# Seconds after the drain: the last turns are ended and stored within 5, what is left is written within 5 more.
CLOSING_SECONDS = 15
DRAIN_SECONDS = 60
# Seconds that a pod stays on a node that is lost. Kubernetes' own 300 would leave an agent of one pod away for as long;
# a lost node has been silent for 20 s or more, and conversations are not on it.
LOST_NODE_SECONDS = 5
_LOST = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_PASSED_ON = ("nodeSelector", "priorityClassName", "runtimeClassName")


def pod_template(name: str, namespace: str, spec: Mapping[str, Any], text: str, config: Config) -> Object:
    """The template; `text` is that of agent.yaml."""
    pod: Mapping[str, Any] = spec.get("pod") or {}
    return {
        "metadata": {
            "labels": {**pod.get("labels", {}), **labels(name, config)},
            "annotations": {**pod.get("annotations", {}), CONFIG_HASH: digest(text)},
        },
        "spec": {
            "serviceAccountName": pod.get("serviceAccountName", object_name(name)),
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": _grace(spec, config),
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            **({"initContainers": [_password_writer(name, namespace, config)]} if config.redisSecret.name else {}),
            "containers": [_container(name, namespace, spec, pod, config)],
            "volumes": [*_volumes(name, spec), *_identity(config), *_redis_user(config), *pod.get("volumes", [])],
            "tolerations": _tolerations(pod),
            **_spread(name, pod),
            **({"imagePullSecrets": secrets} if (secrets := _pull_secrets(pod, config)) else {}),
            **{field: pod[field] for field in _PASSED_ON if field in pod},
        },
    }


def _grace(spec: Mapping[str, Any], config: Config) -> int:
    return config.endpoint_delay + int(spec.get("drainSeconds", DRAIN_SECONDS)) + CLOSING_SECONDS


def _password_writer(name: str, namespace: str, config: Config) -> Object:
    """Ours, whatever the agent's image is: it sees the password that the agent's own is derived from, and ends."""
    secret = {"name": config.redisSecret.name, "key": config.redisSecret.key}
    return {
        "name": "redis-user",
        "image": config.image,
        "imagePullPolicy": config.imagePullPolicy,
        "command": ["python", "-m", "talk_kit.redis_password", namespace, name, f"{REDIS_USER}/password"],
        "env": [{"name": "TALK_REDIS_PASSWORD", "valueFrom": {"secretKeyRef": secret}}],
        "resources": _WRITER_RESOURCES,
        "securityContext": _SECURITY,
        "volumeMounts": [_MOUNT],
    }


def _container(name: str, namespace: str, spec: Mapping[str, Any], pod: Mapping[str, Any], config: Config) -> Object:
    metrics = [{"name": "metrics", "containerPort": config.metricsPort}] if config.metricsPort else []
    return {
        "name": "agent",
        "image": spec.get("image", config.image),
        "imagePullPolicy": config.imagePullPolicy,
        "ports": [{"name": "http", "containerPort": PORT}, *metrics],
        "env": _environment(name, namespace, pod, config),
        # A process that starts is looked at each second, for two minutes: it is live as soon as it listens.
        "startupProbe": _probe("/healthz", period=1, failures=120),
        "livenessProbe": _probe("/healthz", period=10, failures=3),
        "readinessProbe": _probe("/ready", period=3, failures=1),
        "resources": spec.get("resources", {}),
        "securityContext": _SECURITY,
        "volumeMounts": [
            {"name": "talk-config", "mountPath": FOLDER, "readOnly": True},
            {"name": "talk-tmp", "mountPath": "/tmp"},  # noqa: S108 - a volume of the pod's own
            *([{"name": "talk-identity", "mountPath": IDENTITY, "readOnly": True}] if config.identityConfigMap else []),
            *([{**_MOUNT, "readOnly": True}] if config.redisSecret.name else []),
            *pod.get("volumeMounts", []),
        ],
    }


def _environment(name: str, namespace: str, pod: Mapping[str, Any], config: Config) -> list[Object]:
    own: dict[str, Object] = {
        "TALK_PORT": {"value": str(PORT)},
        "TALK_METRICS_PORT": {"value": str(config.metricsPort)},
        "TALK_GATEWAY_URL": {"value": config.gatewayURL},
        "TALK_ENDPOINT_DELAY_SECONDS": {"value": str(config.endpoint_delay)},
    }
    if foreign := config.foreign(namespace):
        own["TALK_AGENT_NAMESPACE"] = {"value": foreign}
    if config.identityConfigMap:
        own["TALK_IDENTITY_PUBLIC_FILE"] = {"value": f"{IDENTITY}/identity.pub"}
    if config.redisSecret.name:
        own["TALK_REDIS_USER"] = {"value": user_name(namespace, name)}
        own["TALK_REDIS_PASSWORD_FILE"] = {"value": f"{REDIS_USER}/password"}
    for variable in (*config.env, *pod.get("env", [])):
        own[variable["name"]] = {key: value for key, value in variable.items() if key != "name"}
    return [{"name": name, **value} for name, value in own.items()]


def _probe(path: str, *, period: int, failures: int) -> Object:
    return {
        "httpGet": {"path": path, "port": "http"},
        "periodSeconds": period,
        "timeoutSeconds": 3,
        "failureThreshold": failures,
    }


def _pull_secrets(pod: Mapping[str, Any], config: Config) -> list[Object]:
    seen: dict[str, Object] = {
        each["name"]: each for each in (*config.imagePullSecrets, *pod.get("imagePullSecrets", []))
    }
    return list(seen.values())


def _tolerations(pod: Mapping[str, Any]) -> list[Object]:
    """The author's, and ours for each taint of a lost node that they say nothing about."""
    own: list[Object] = list(pod.get("tolerations", []))
    told = {each.get("key", "") for each in own if (each.get("effect") or "NoExecute") == "NoExecute"}
    missing = [] if "" in told else [key for key in _LOST if key not in told]
    effect = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": LOST_NODE_SECONDS}
    return [*own, *({"key": key, **effect} for key in missing)]


def _volumes(name: str, spec: Mapping[str, Any]) -> list[Object]:
    """One volume has agent.yaml and each key that it refers to. A missing one stops no pod: `/ready` names it."""
    own = {"configMap": {"name": object_name(name), "items": [{"key": "agent.yaml", "path": "agent.yaml"}]}}
    found = groupby(references(spec), key=lambda ref: (ref.kind, ref.name))
    sources = [own, *(_source(list(refs)) for _, refs in found)]
    return [
        {"name": "talk-config", "projected": {"sources": sources, "defaultMode": 0o444}},
        {"name": "talk-tmp", "emptyDir": {"sizeLimit": "64Mi"}},
    ]


def _identity(config: Config) -> list[Object]:
    """Without these keys a pod does not start: an agent that anyone could ask would be the worse one."""
    name = config.identityConfigMap
    return [{"name": "talk-identity", "configMap": {"name": name}}] if name else []


def _redis_user(config: Config) -> list[Object]:
    return [{"name": "talk-redis-user", "emptyDir": _IN_MEMORY}] if config.redisSecret.name else []


def _source(refs: list[KeyRef]) -> Object:
    kind, folder = ("secret", "secrets") if refs[0].kind == "Secret" else ("configMap", "configmaps")
    items = [{"key": ref.key, "path": f"{folder}/{ref.name}/{ref.key}"} for ref in refs]
    return {kind: {"name": refs[0].name, "items": items, "optional": True}}


def _spread(name: str, pod: Mapping[str, Any]) -> Object:
    """Over nodes and zones, where possible; what the author says of it wins.

    Zones by affinity: a constraint on a label that no node has, as on clusters without zones, switches off all the
    other soft constraints of a pod.
    """
    affinity = dict(pod.get("affinity", {}))
    if "topologySpreadConstraints" in pod:
        return {
            "topologySpreadConstraints": pod["topologySpreadConstraints"],
            **({"affinity": affinity} if affinity else {}),
        }
    mine = {"labelSelector": {"matchLabels": selector(name)}}
    nodes = {"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway", **mine}
    zones = {"weight": 50, "podAffinityTerm": {"topologyKey": "topology.kubernetes.io/zone", **mine}}
    affinity.setdefault("podAntiAffinity", {"preferredDuringSchedulingIgnoredDuringExecution": [zones]})
    return {
        "topologySpreadConstraints": [{**nodes, "matchLabelKeys": ["pod-template-hash"]}],
        "affinity": affinity,
    }
