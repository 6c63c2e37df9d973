"""Deployment, disruption budget and autoscaler: how many pods, and how they change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from talk_operator.config import Object
from talk_operator.render.identity import object_name, selector

CPU_PERCENT = 70


@dataclass(frozen=True)
class Scale:
    """`replicas` is None where an autoscaler decides, between `least` and `most`."""

    replicas: int | None
    least: int
    most: int


def scale(spec: Mapping[str, Any]) -> Scale:
    """How many pods a spec asks for."""
    autoscaling = spec.get("autoscaling")
    if spec.get("suspend"):
        return Scale(0, 0, 0)
    if autoscaling and "replicas" not in spec:
        return Scale(None, autoscaling.get("minReplicas", 1), autoscaling["maxReplicas"])
    replicas = spec.get("replicas", 1)
    return Scale(replicas, replicas, replicas)


def deployment(name: str, template: Object, wanted: Scale) -> Object:
    """The spec of the Deployment. A pod goes only when the one in its place is ready."""
    own = {} if wanted.replicas is None else {"replicas": wanted.replicas}
    return {
        **own,
        "selector": {"matchLabels": selector(name)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": "25%"}},
        "revisionHistoryLimit": 3,
        "template": template,
    }


def disruption_budget(name: str) -> Object:
    """The spec of the PodDisruptionBudget. Pods that are not ready may always go: a model's outage blocks no drain."""
    return {
        "maxUnavailable": 1,
        "selector": {"matchLabels": selector(name)},
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
    }


def autoscaler(name: str, autoscaling: Mapping[str, Any], wanted: Scale) -> Object:
    """The spec of the HorizontalPodAutoscaler."""
    return {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": object_name(name)},
        "minReplicas": wanted.least,
        "maxReplicas": wanted.most,
        "metrics": _metrics(autoscaling),
    }


def _metrics(autoscaling: Mapping[str, Any]) -> list[Object]:
    if "metrics" in autoscaling:
        return list(autoscaling["metrics"])
    resource = "memory" if "memory" in autoscaling else "cpu"
    percent = autoscaling.get(resource, CPU_PERCENT)
    target = {"type": "Utilization", "averageUtilization": percent}
    return [{"type": "Resource", "resource": {"name": resource, "target": target}}]
