"""What a pod that is not ready lacks, in a sentence that names the object."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from talk_operator.diagnose import Finding, diagnose_pods
from talk_operator.readiness import READY, Failing, first_failing

NOW = datetime(2026, 1, 1, 12, 0, 16, tzinfo=UTC)
RUNNING = {"running": {"startedAt": "2026-01-01T12:00:00Z"}}


def pod(name: str = "talkagent-a-1", *, ready: bool = False, **status: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}, *status.pop("conditions", [])]
    return {
        "kind": "Pod",
        "metadata": {"name": name},
        "status": {"phase": "Running", "conditions": conditions, **status},
    }


def container(state: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": "agent", "image": "registry.example.com/agent:1", "state": state, **fields}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return pod(containerStatuses=[container({"waiting": {"reason": reason, "message": message}})])


@pytest.mark.parametrize(
    ("broken", "reason", "words"),
    [
        (waiting("ErrImagePull", "rpc error: code = NotFound: not found"), "ImagePullFailed", "does not have it"),
        (waiting("ImagePullBackOff", "401 Unauthorized"), "ImagePullFailed", "pod.imagePullSecrets"),
        (waiting("ImagePullBackOff", "dial tcp: i/o timeout"), "ImagePullFailed", "cannot be reached"),
        (waiting("ErrImageNeverPull"), "ImagePullFailed", "registry.example.com/agent:1"),
        (waiting("InvalidImageName"), "ImagePullFailed", "no name of an image"),
        (waiting("CreateContainerConfigError", 'no secret "x"'), "ContainerConfigInvalid", 'no secret "x"'),
        (
            pod(conditions=[
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
            ]),
            "Unschedulable",
            "0/1 nodes",
        ),
        (
            pod(containerStatuses=[container({"waiting": {"reason": "CrashLoopBackOff"}},
                                             lastState={"terminated": {"exitCode": 2, "reason": "Error"}})]),
            "CrashLooping",
            "exit code 2",
        ),
        (
            pod(containerStatuses=[container({"running": {}}, lastState={"terminated": {"reason": "OOMKilled"}})]),
            "CrashLooping",
            "resources.limits.memory",
        ),
        (
            pod(initContainerStatuses=[container({"waiting": {"reason": "CreateContainerError", "message": "x"}})],
                containerStatuses=[container({"waiting": {"reason": "PodInitializing"}})]),
            "ContainerConfigInvalid",
            "x",
        ),
        (
            pod(initContainerStatuses=[container({"terminated": {"exitCode": 0}}, lastState={"terminated": {}})],
                containerStatuses=[container(RUNNING, started=True)]),
            "NotReady",
            "/ready",
        ),
        (pod(containerStatuses=[container(RUNNING, started=True)]), "NotReady", "/ready"),
    ],
)  # fmt: skip
def test_each_kind_of_trouble_has_its_reason_and_names_the_pod(broken: dict[str, Any], reason: str, words: str) -> None:
    found = diagnose_pods([broken], {}, None, NOW)
    assert found is not None
    assert found.failing
    assert found.reason == reason
    assert words in found.message
    assert "talkagent-a-1" in found.message


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        ("references", "MissingReference"),
        ("model", "ModelUnreachable"),
        ("sessions", "SessionsUnreachable"),
        ("x", "NotReady"),
    ],
)
def test_what_the_pod_says_of_itself_is_the_reason(check: str, reason: str) -> None:
    running = pod(containerStatuses=[container(RUNNING, started=True)])
    found = diagnose_pods([running], {"talkagent-a-1": Failing(check, "no answer")}, None, NOW)
    assert found == Finding(reason, f"Pod talkagent-a-1: {check}: no answer")


def test_a_pod_that_has_just_come_up_need_not_answer_yet() -> None:
    found = diagnose_pods(
        [pod(containerStatuses=[container(RUNNING, started=True)])], {}, None, NOW - timedelta(seconds=5)
    )
    assert found is not None
    assert found.reason == "Starting"


@pytest.mark.parametrize("said", [READY, Failing("started", "still starting"), Failing("model", "not checked yet")])
def test_a_pod_that_starts_is_not_broken(said: Failing) -> None:
    running = pod(containerStatuses=[container(RUNNING, started=True)])
    found = diagnose_pods([running], {"talkagent-a-1": said}, None, NOW)
    assert found is not None
    assert (found.reason, found.failing) == ("Starting", False)


def test_the_finding_is_the_same_whatever_the_order_of_the_pods() -> None:
    one, two = waiting("ErrImagePull"), pod("talkagent-a-2", containerStatuses=[container({"waiting": {}})])
    found = diagnose_pods([one, two], {}, None, NOW)
    assert found == diagnose_pods([two, one], {}, None, NOW)
    assert found is not None
    assert found.reason == "ImagePullFailed"


def test_pods_that_are_ready_or_on_their_way_out_are_no_trouble() -> None:
    leaving = waiting("ErrImagePull")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert diagnose_pods([pod(ready=True), leaving], {}, None, NOW) is None


def test_pods_that_cannot_be_made_are_told() -> None:
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    found = diagnose_pods([], {}, {"status": {"conditions": [condition]}}, NOW)
    assert found == Finding("PodsRefused", "Pods cannot be made: exceeded quota")


@pytest.mark.parametrize(
    ("body", "failing"),
    [
        (b'{"ready": false, "checks": [{"name": "model", "ok": false, "message": "no"}]}', Failing("model", "no")),
        (b'{"checks": [{"name": "started", "ok": false, "message": "x"},'
         b'{"name": "model", "ok": false, "message": "y"}]}', Failing("model", "y")),
        (b'{"checks": [{"name": "model", "ok": false, "message": "no key"},'
         b'{"name": "references", "ok": false, "message": "Secret a"}]}', Failing("references", "Secret a")),
        (b'{"checks": [{"name": "references", "ok": false, "message": "not checked yet"},'
         b'{"name": "model", "ok": false, "message": "y"}]}', Failing("model", "y")),
        (b'{"checks": [{"name": "model", "ok": true, "message": "ok"}]}', READY),
        (b"", None),
        (b"<html>", None),
        (b"[]", None),
        (b'{"checks": 3}', None),
        (b'{"checks": [3]}', None),
    ],
)  # fmt: skip
def test_a_ready_body_of_any_shape(body: bytes, failing: Failing | None) -> None:
    assert first_failing(body) == failing
