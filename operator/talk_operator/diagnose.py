"""Why an agent does not answer: one reason and one sentence that names the object to look at. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from talk_operator.config import Object
from talk_operator.readiness import NOT_CHECKED, Failing

_PULL = {
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "RegistryUnavailable",
    "ImageInspectError",
}
_CONFIG = {"CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreCreateHookError"}
_CHECKS = {"references": "MissingReference", "model": "ModelUnreachable", "sessions": "SessionsUnreachable"}
# Causes of a failed pull, by words that runtimes use for them: the runtime's own text changes from try to try.
_PULL_CAUSES = (
    (("not found", "not_found", "manifest unknown"), "the registry does not have it"),
    (("unauthorized", "denied", "forbidden", "authorization failed"), "the registry refuses; see pod.imagePullSecrets"),
    (("no such host", "timeout", "refused", "dial tcp", "deadline"), "the registry cannot be reached"),
    (("invalidimagename", "invalid reference"), "this is no name of an image"),
)
# Seconds in which a container that runs need not answer yet.
PATIENCE = 15.0
_PULL_NEVER = "it is not on the node and may not be pulled"


@dataclass(frozen=True)
class Finding:
    """A reason as a condition has it. `failing` tells what needs somebody from what needs only time."""

    reason: str
    message: str
    failing: bool = True


def diagnose_pods(
    pods: Iterable[Object], failing: Mapping[str, Failing], deployment: Object | None, now: datetime
) -> Finding | None:
    """The worst of what the pods that are not ready lack; None when each is ready."""
    found = [
        finding for pod in pods if not pod["metadata"].get("deletionTimestamp") for finding in _pod(pod, failing, now)
    ]
    found += _refused(deployment)
    # Stable: the same pods give the same finding, whatever their order.
    return min(found, key=lambda each: (not each.failing, each.reason, each.message), default=None)


def is_ready(pod: Object) -> bool:
    """Whether the kubelet says so."""
    return _condition(pod, "Ready").get("status") == "True"


def _pod(pod: Object, failing: Mapping[str, Failing], now: datetime) -> Iterator[Finding]:
    name = pod["metadata"]["name"]
    if is_ready(pod) or pod["status"].get("phase") == "Succeeded":
        return
    scheduled = _condition(pod, "PodScheduled")
    if scheduled.get("reason") == "Unschedulable":
        yield Finding("Unschedulable", f"Pod {name} cannot be scheduled: {scheduled.get('message', '')}")
        return
    statuses = pod["status"].get("containerStatuses") or []
    begun = [each for each in pod["status"].get("initContainerStatuses") or [] if not _is_done(each)]
    stuck = next((finding for each in (*begun, *statuses) for finding in _container(name, each)), None)
    if stuck:
        yield stuck
    elif said := failing.get(name):
        yield _said(name, said)
    elif any(_runs_since(each, now) >= PATIENCE for each in statuses):
        yield Finding("NotReady", f"Pod {name} runs and is not ready, and does not say why at /ready.")
    else:
        yield Finding("Starting", f"Pod {name} is starting.", failing=False)


def _is_done(status: Mapping[str, Any]) -> bool:
    """An init container that has ended well."""
    ended = (status.get("state") or {}).get("terminated") or {}
    return ended.get("exitCode") == 0


def _runs_since(status: Mapping[str, Any], now: datetime) -> float:
    """Seconds; 0 for a container that does not run or is still in its start."""
    since = (status.get("state", {}).get("running") or {}).get("startedAt")
    if not since or not status.get("started"):
        return 0.0
    return (now - datetime.fromisoformat(since.replace("Z", "+00:00"))).total_seconds()


def _said(pod: str, said: Failing) -> Finding:
    if said.check in ("", "started", "draining") or said.message == NOT_CHECKED:
        return Finding("Starting", f"Pod {pod} is starting.", failing=False)
    return Finding(_CHECKS.get(said.check, "NotReady"), f"Pod {pod}: {said.check}: {said.message}")


def _container(pod: str, status: Mapping[str, Any]) -> Iterator[Finding]:
    waiting = status.get("state", {}).get("waiting") or {}
    reason = waiting.get("reason", "")
    if reason in _PULL:
        cause = _pull_cause(reason, waiting.get("message", ""))
        yield Finding("ImagePullFailed", f"Pod {pod} cannot pull the image {status.get('image')}{cause}.")
    elif reason in _CONFIG:
        yield Finding(
            "ContainerConfigInvalid", f"Pod {pod} cannot start its container: {waiting.get('message', reason)}"
        )
    elif ended := _ended(status):
        yield Finding("CrashLooping", _crash(pod, status.get("name", "agent"), ended))


def _ended(status: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """How the container ended, this time or the last: a restart that has not come up changes nothing."""
    for state in ("state", "lastState"):
        ended: Mapping[str, Any] | None = (status.get(state) or {}).get("terminated")
        if ended:
            return ended
    return None


def _crash(pod: str, container: str, ended: Mapping[str, Any]) -> str:
    if ended.get("reason") == "OOMKilled":
        return f"Container {container} of pod {pod} needs more memory than resources.limits.memory allows (OOMKilled)."
    how = f"exit code {ended.get('exitCode')}"
    return f"Container {container} of pod {pod} ends again and again ({how}); see kubectl logs {pod} --previous."


def _pull_cause(reason: str, message: str) -> str:
    if reason == "ErrImageNeverPull":
        return f": {_PULL_NEVER}"
    text = f"{reason} {message}".lower()
    cause = next((cause for words, cause in _PULL_CAUSES if any(word in text for word in words)), None)
    return f": {cause}" if cause else ""


def _refused(deployment: Object | None) -> Iterator[Finding]:
    for each in ((deployment or {}).get("status") or {}).get("conditions") or ():
        if each.get("type") == "ReplicaFailure" and each.get("status") == "True":
            yield Finding("PodsRefused", f"Pods cannot be made: {each.get('message', '')}")


def _condition(pod: Object, kind: str) -> Mapping[str, Any]:
    found = (each for each in pod["status"].get("conditions") or () if each.get("type") == kind)
    return next(found, {})
