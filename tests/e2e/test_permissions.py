"""What the ServiceAccounts of Talk may do, and what they do."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
