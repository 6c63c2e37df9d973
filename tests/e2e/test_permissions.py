"""What the ServiceAccounts of Talk may do, and what they do."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import yaml

from tests.e2e.cluster import Namespace, run
from tests.e2e.served import Served

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


def review(account: str, space: Namespace, verb: str, resource: str, namespace: str) -> dict[str, Any]:
    """A question to the API server: may this ServiceAccount do that there? An empty namespace is all of them."""
    attributes = {"verb": verb, "resource": resource, **({"namespace": namespace} if namespace else {})}
    group, _, name = resource.rpartition("/")
    attributes |= {"group": group, "resource": name}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": f"system:serviceaccount:{space.name}:{account}",
            "groups": ["system:serviceaccounts", f"system:serviceaccounts:{space.name}", "system:authenticated"],
            "resourceAttributes": attributes,
        },
    }


def allowed(questions: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that the API server answers with yes: what `kubectl auth can-i` asks, in one request."""
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": questions})
    answers = run("kubectl", "create", "-f", "-", "-o", 'jsonpath={.status.allowed}{"\\n"}', stdin=given).split()
    assert set(answers) <= {"true", "false"}
    return [each["spec"] for each, answer in zip(questions, answers, strict=True) if answer == "true"]


def test_no_account_of_talk_reads_a_secret(served: Served) -> None:
    accounts = {
        space: {each["metadata"]["name"] for each in space.get("serviceaccounts")}
        for space in (served.release, served.team)
    }
    rooms = {"talk-gateway", "talk-operator", "talk-redis", "talk-local", "talkagent-assistant"}
    assert rooms <= accounts[served.release]
    questions = [
        review(account, space, verb, "secrets", where)
        for space, names in accounts.items()
        for account in sorted(names)
        for verb in ("get", "list", "watch", "create", "update", "patch", "delete")
        for where in (served.release.name, served.team.name, "kube-system", "")
    ]
    assert allowed(questions) == []


def test_the_question_is_one_that_can_be_answered_with_yes(served: Served) -> None:
    may = [
        review("talk-gateway", served.release, "watch", "talk.dwani.ai/talkagents", served.team.name),
        review("talk-operator", served.release, "patch", "apps/deployments", served.team.name),
    ]
    may_not = [
        review("talk-gateway", served.release, "watch", "talk.dwani.ai/talkagents", served.outside.name),
        review("talk-operator", served.release, "patch", "apps/deployments", served.outside.name),
        review("talkagent-assistant", served.release, "list", "talk.dwani.ai/talkagents", served.release.name),
    ]
    assert allowed([*may, *may_not]) == [each["spec"] for each in may]


def warned(space: Namespace, objects: list[dict[str, Any]]) -> str:
    """What the API server would say against these objects, warnings too; empty when it takes them gladly."""
    bare = [{**each, "metadata": {"name": each["metadata"]["name"]}, "status": None} for each in objects]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": bare})
    command = ["kubectl", "-n", space.name, "create", "--dry-run=server", "--warnings-as-errors", "-f", "-"]
    return subprocess.run(command, input=given, capture_output=True, text=True, timeout=60, check=False).stderr


def test_every_pod_is_restricted_and_nothing_is_warned_of(served: Served) -> None:
    """Workloads, of agents too, and the pod of `helm test`; in a namespace where none of them is."""
    found = [each for space in (served.release, served.team) for each in space.get("deployments,statefulsets")]
    hooks = [each for each in yaml.safe_load_all(served.release.helm("get", "hooks", "talk")) if each]
    assert {"Deployment", "StatefulSet"} == {each["kind"] for each in found}
    assert any("talk.dwani.ai/agent" in each["metadata"]["labels"] for each in found)
    assert [each["kind"] for each in hooks] == ["Pod"]
    hooks[0]["metadata"].pop("namespace", None)
    assert warned(served.outside, [*found, *hooks]) == ""


def test_the_api_server_would_warn_of_a_pod_that_is_not_restricted(served: Served) -> None:
    (agent,) = served.release.get("deployments", selector="talk.dwani.ai/agent=assistant")
    agent["spec"]["template"]["spec"]["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
    assert "would violate PodSecurity" in warned(served.outside, [agent])
