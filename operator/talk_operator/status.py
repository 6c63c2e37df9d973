"""The status of a TalkAgent: pure, from what the cluster has. Written only when it says something new."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from talk_kit.names import name_for_gateway
from talk_operator.config import Config, Object
from talk_operator.diagnose import Finding
from talk_operator.kinds import AGENT_LABEL

# Reasons of Ready=False that nobody needs to act on.
CALM = ("Starting", "Suspended", "ScaledToZero", "Replacing")


@dataclass(frozen=True)
class Observed:
    """What a status is made of. `spec` is the effective one, `blocked` why its objects could not be made as wanted."""

    agent: Mapping[str, Any]
    spec: Mapping[str, Any]
    deployment: Object | None = None
    pods: Finding | None = None
    blocked: Finding | None = None
    warnings: tuple[Finding, ...] = field(default_factory=tuple)

    @property
    def wanted(self) -> int:
        """Pods that should be there."""
        return int((self.deployment or {}).get("spec", {}).get("replicas", 0))

    def counted(self, name: str) -> int:
        """A number of the Deployment's status."""
        return int(((self.deployment or {}).get("status") or {}).get(name, 0))


@dataclass(frozen=True)
class Condition:
    """A condition without its times."""

    type: str
    status: bool
    reason: str
    message: str


def status(seen: Observed, config: Config, now: datetime) -> Object:
    """The whole status. The time of a condition stays while its `status` does."""
    meta = seen.agent["metadata"]
    name, generation = meta["name"], meta.get("generation", 0)
    before = {each["type"]: each for each in (seen.agent.get("status") or {}).get("conditions") or ()}
    model = (seen.spec.get("model") or {}).get("name")
    return {
        "observedGeneration": generation,
        "conditions": [_rendered(each, before.get(each.type), generation, now) for each in conditions(seen)],
        "replicas": seen.counted("replicas"),
        "readyReplicas": seen.counted("readyReplicas"),
        "selector": f"{AGENT_LABEL}={name}",
        "url": f"{(config.publicURL or config.gatewayURL).rstrip('/')}/v1/agents/{_called(meta, config)}/chat",
        **({"model": model} if model else {}),
    }


def _called(meta: Mapping[str, Any], config: Config) -> str:
    """How the gateway calls it: `name`, or `name.namespace` for those of other namespaces."""
    return name_for_gateway(meta["name"], config.foreign(meta["namespace"]))


def conditions(seen: Observed) -> list[Condition]:
    """Ready, Progressing, Degraded."""
    ready = _ready(seen)
    return [ready, _progressing(seen), _degraded(seen, ready)]


def _ready(seen: Observed) -> Condition:
    serving = seen.counted("readyReplicas")
    if seen.spec.get("suspend"):
        return Condition("Ready", False, "Suspended", "spec.suspend is true: there are no pods.")
    if serving and seen.wanted:
        return Condition("Ready", True, "Serving", f"{serving} of {max(serving, seen.wanted)} pods take turns.")
    if seen.blocked:
        return Condition("Ready", False, seen.blocked.reason, seen.blocked.message)
    if seen.deployment is not None and not seen.wanted:
        return Condition("Ready", False, "ScaledToZero", "spec.replicas is 0: there are no pods.")
    if seen.pods:
        return Condition("Ready", False, seen.pods.reason, seen.pods.message)
    return Condition("Ready", False, "Starting", "Waiting for the first pod.")


def _progressing(seen: Observed) -> Condition:
    deployment = seen.deployment
    if seen.spec.get("suspend"):
        return Condition("Progressing", False, "Suspended", "spec.suspend is true.")
    if seen.blocked:
        return Condition("Progressing", False, seen.blocked.reason, seen.blocked.message)
    if deployment is None:
        return Condition("Progressing", True, "Creating", "The objects are being made.")
    for each in (deployment.get("status") or {}).get("conditions") or ():
        if each.get("type") == "Progressing" and each.get("reason") == "ProgressDeadlineExceeded":
            name = deployment["metadata"]["name"]
            return Condition("Progressing", False, "Stalled", f"Deployment {name} makes no progress since 10 minutes.")
    if _rolling(seen, deployment):
        return Condition("Progressing", True, "RollingOut", "Pods are being replaced or made.")
    return Condition("Progressing", False, "Complete", "Every pod has the latest configuration.")


def _rolling(seen: Observed, deployment: Object) -> bool:
    told = seen.counted("observedGeneration") >= deployment["metadata"].get("generation", 0)
    updated = seen.counted("updatedReplicas")
    return not told or updated < seen.wanted or seen.counted("replicas") > updated


def _degraded(seen: Observed, ready: Condition) -> Condition:
    found = [each for each in (seen.blocked, *seen.warnings, seen.pods) if each is not None and each.failing]
    if seen.spec.get("suspend"):
        found = [each for each in found if each is not seen.pods]
    if not found:
        return Condition(
            "Degraded", False, "AsExpected", "Nothing to do." if ready.status else "Nothing to do but wait."
        )
    return Condition("Degraded", True, found[0].reason, " ".join(each.message for each in found)[:4096])


def _rendered(condition: Condition, before: Mapping[str, Any] | None, generation: int, now: datetime) -> Object:
    state = "True" if condition.status else "False"
    same = before is not None and before.get("status") == state
    return {
        "type": condition.type,
        "status": state,
        "reason": condition.reason,
        "message": condition.message,
        "observedGeneration": generation,
        "lastTransitionTime": before["lastTransitionTime"] if same and before else stamp(now),
    }


def stamp(now: datetime) -> str:
    """A time as Kubernetes writes it."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def transitions(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Condition]:
    """The conditions whose status or reason is another than before; that a new agent starts is no news, nor
    is a Degraded that only repeats why Ready is false."""
    old = {each["type"]: (each["status"], each["reason"]) for each in before.get("conditions") or ()}
    news: list[Condition] = []
    for each in after["conditions"]:
        if each["type"] == "Progressing" or old.get(each["type"]) == (each["status"], each["reason"]):
            continue
        if each["type"] not in old and each["status"] == "False" and each["reason"] in (*CALM, "AsExpected"):
            continue
        if (each["reason"], each["message"]) not in [(told.reason, told.message) for told in news]:
            news.append(Condition(each["type"], each["status"] == "True", each["reason"], each["message"]))
    return news


def is_warning(condition: Condition) -> bool:
    """Whether somebody should look."""
    if condition.type == "Degraded":
        return condition.status
    return not condition.status and condition.reason not in CALM
