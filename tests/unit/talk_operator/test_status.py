"""Conditions tell people what holds; Events tell them what became another."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from talk_operator.config import parse_config
from talk_operator.diagnose import Finding
from talk_operator.status import Observed, conditions, is_warning, status, transitions

CONFIG = parse_config({"image": "a:1", "gatewayURL": "http://gw:8080/", "namespace": "talk"})
NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)


def deployment(wanted: int = 1, generation: int = 1, **counts: Any) -> dict[str, Any]:
    counted = {"observedGeneration": generation, "replicas": wanted, "updatedReplicas": wanted, **counts}
    return {
        "metadata": {"name": "talkagent-a", "generation": generation},
        "spec": {"replicas": wanted},
        "status": counted,
    }


def seen(spec: dict[str, Any] | None = None, namespace: str = "talk", **parts: Any) -> Observed:
    agent = {"metadata": {"name": "a", "namespace": namespace, "generation": 3}}
    return Observed(agent=agent, spec=spec or {}, **parts)


def told(observed: Observed) -> dict[str, tuple[bool, str]]:
    return {each.type: (each.status, each.reason) for each in conditions(observed)}


BROKEN = Finding("MissingReference", "Pod p: references: Secret k, key x: not found")


@pytest.mark.parametrize(
    ("observed", "ready", "progressing", "degraded"),
    [
        (seen(), (False, "Starting"), (True, "Creating"), (False, "AsExpected")),
        (seen(deployment=deployment()), (False, "Starting"), (False, "Complete"), (False, "AsExpected")),
        (seen(deployment=deployment(readyReplicas=1)), (True, "Serving"), (False, "Complete"), (False, "AsExpected")),
        (seen(deployment=deployment(0)), (False, "ScaledToZero"), (False, "Complete"), (False, "AsExpected")),
        (seen({"suspend": True}, deployment=deployment(0), pods=BROKEN),
         (False, "Suspended"), (False, "Suspended"), (False, "AsExpected")),
        (seen(deployment=deployment(), pods=BROKEN),
         (False, "MissingReference"), (False, "Complete"), (True, "MissingReference")),
        (seen(deployment=deployment(2, readyReplicas=1), pods=BROKEN),
         (True, "Serving"), (False, "Complete"), (True, "MissingReference")),
        (seen(deployment=deployment(observedGeneration=0, readyReplicas=1)),
         (True, "Serving"), (True, "RollingOut"), (False, "AsExpected")),
        (seen(deployment=deployment(readyReplicas=1, replicas=2)),
         (True, "Serving"), (True, "RollingOut"), (False, "AsExpected")),
        (seen(blocked=Finding("ModelMissing", "no model")),
         (False, "ModelMissing"), (False, "ModelMissing"), (True, "ModelMissing")),
        (seen(deployment=deployment(readyReplicas=1), blocked=Finding("Refused", "quota")),
         (True, "Serving"), (False, "Refused"), (True, "Refused")),
        (seen(deployment=deployment(readyReplicas=1), warnings=(Finding("AgentNotFound", "no b"),)),
         (True, "Serving"), (False, "Complete"), (True, "AgentNotFound")),
        (seen(deployment=deployment(conditions=[{"type": "Progressing", "reason": "ProgressDeadlineExceeded"}])),
         (False, "Starting"), (False, "Stalled"), (False, "AsExpected")),
    ],
)  # fmt: skip
def test_conditions(
    observed: Observed, ready: tuple[bool, str], progressing: tuple[bool, str], degraded: tuple[bool, str]
) -> None:
    assert told(observed) == {"Ready": ready, "Progressing": progressing, "Degraded": degraded}


def test_an_agent_of_another_namespace_is_called_by_both_names() -> None:
    assert status(seen(), CONFIG, NOW)["url"] == "http://gw:8080/v1/agents/a/chat"
    assert status(seen(namespace="other"), CONFIG, NOW)["url"] == "http://gw:8080/v1/agents/a.other/chat"


def test_the_status_is_the_same_until_something_changed() -> None:
    observed = seen({"model": {"name": "openai/x"}}, deployment=deployment(readyReplicas=1))
    first = status(observed, CONFIG, NOW)
    agent = {**observed.agent, "status": first}
    later = status(Observed(agent, observed.spec, observed.deployment), CONFIG, NOW.replace(year=2027))
    assert later == first
    assert {each["lastTransitionTime"] for each in first["conditions"]} == {"2026-05-04T03:02:01Z"}


def test_only_what_changed_is_an_event() -> None:
    starting = status(seen(deployment=deployment()), CONFIG, NOW)
    assert [(each.reason, is_warning(each)) for each in transitions({}, starting)] == [("Starting", False)]
    serving = status(seen(deployment=deployment(readyReplicas=1)), CONFIG, NOW)
    assert [(each.reason, is_warning(each)) for each in transitions(starting, serving)] == [("Serving", False)]
    broken = status(seen(deployment=deployment(), pods=BROKEN), CONFIG, NOW)
    assert [(each.type, is_warning(each)) for each in transitions(serving, broken)] == [("Ready", True)]
    assert transitions(broken, broken) == []
    assert [(each.reason, is_warning(each)) for each in transitions(broken, serving)] == [
        ("Serving", False),
        ("AsExpected", False),
    ]
