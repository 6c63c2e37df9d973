"""What the operator counts of agents: from what it was told, and no longer than there is something to count."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY

from talk_operator.figures import Figures, Restarts, at_limit, degraded
from talk_operator.kinds import AGENT_LABEL
from talk_operator.store import Key, Store


def obj(kind: str, name: str, version: int = 1, namespace: str = "talk", **parts: Any) -> dict[str, Any]:
    labels = {AGENT_LABEL: name.partition(".")[0]} if kind == "Pod" else {}
    meta = {
        "name": name, "namespace": namespace, "uid": f"{namespace}/{name}", "resourceVersion": str(version),
        "labels": labels,
    }  # fmt: skip
    return {"kind": kind, "metadata": meta, "spec": {}, **parts}


def conditions(**found: tuple[str, str]) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": state, "reason": why} for kind, (state, why) in found.items()]}


def pod(name: str, *restarts: int, version: int = 1) -> dict[str, Any]:
    return obj("Pod", name, version, status={"containerStatuses": [{"restartCount": each} for each in restarts]})


def sample(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_restarts_before_a_pod_was_first_seen_are_not_counted() -> None:
    restarts = Restarts()
    assert restarts.since([pod("a.1", 7)]) == {}
    assert restarts.since([pod("a.1", 8, 1), pod("a.2", 3)]) == {Key("talk", "a"): 2}
    assert restarts.since([pod("a.1", 8, 1), pod("a.2", 3)]) == {}


def test_a_pod_that_goes_takes_no_restart_back() -> None:
    restarts = Restarts()
    restarts.since([pod("a.1", 0), pod("a.2", 0)])
    assert restarts.since([pod("a.1", 1), pod("a.2", 1)]) == {Key("talk", "a"): 2}
    assert restarts.since([pod("a.2", 2)]) == {Key("talk", "a"): 1}
    assert restarts.since([pod("a.1", 9), pod("a.2", 2)]) == {}


def test_a_pod_that_has_no_status_yet_has_not_restarted() -> None:
    restarts = Restarts()
    assert restarts.since([obj("Pod", "a.1", status={})]) == {}
    assert restarts.since([pod("a.1", 1)]) == {Key("talk", "a"): 1}


def test_only_agents_that_need_somebody_are_named() -> None:
    agents = [
        obj("TalkAgent", "well", status=conditions(Ready=("True", "Serving"), Degraded=("False", "AsExpected"))),
        obj("TalkAgent", "new"),
        obj("TalkAgent", "ill", status=conditions(Ready=("False", "ModelMissing"), Degraded=("True", "ModelMissing"))),
    ]
    assert degraded(agents) == {("talk", "ill", "ModelMissing"): True}


@pytest.mark.parametrize(
    ("state", "reason", "limited"),
    [("True", "TooManyReplicas", True), ("True", "TooFewReplicas", False), ("False", "DesiredWithinRange", False)],
)
def test_an_autoscaler_at_its_limit_is_one_that_wants_more(state: str, reason: str, limited: bool) -> None:
    scaler = obj("HorizontalPodAutoscaler", "talk-gateway", status=conditions(ScalingLimited=(state, reason)))
    assert at_limit([scaler, obj("HorizontalPodAutoscaler", "new")]) == {
        ("talk", "talk-gateway"): limited,
        ("talk", "new"): False,
    }


def test_agents_of_one_name_in_two_namespaces_are_told_apart_and_end_when_they_are_gone() -> None:
    store = Store()
    figures = Figures(store)
    here, there = (obj("TalkAgent", "twin", namespace=each) for each in ("figures-a", "figures-b"))
    store.put({**here, "status": conditions(Degraded=("True", "CrashLooping"))})
    store.put(there)
    figures.update()
    name, of_here = "talk_operator_agent_restarts_total", {"agent": "twin", "agent_namespace": "figures-a"}
    of_there = {**of_here, "agent_namespace": "figures-b"}
    assert (sample(name, **of_here), sample(name, **of_there)) == (0, 0)
    assert sample("talk_operator_agent_degraded", **of_here, reason="CrashLooping") == 1
    assert sample("talk_operator_agents", ready="false") == 2

    store.drop(there)
    well = obj("TalkAgent", "twin", 2, "figures-a", status=conditions(Ready=("True", "Serving")))
    store.put(well)
    figures.update()
    assert (sample(name, **of_here), sample(name, **of_there)) == (0, None)
    assert sample("talk_operator_agent_degraded", **of_here, reason="CrashLooping") is None
    assert (sample("talk_operator_agents", ready="true"), sample("talk_operator_agents", ready="false")) == (1, 0)
    store.drop(well)
    figures.update()
