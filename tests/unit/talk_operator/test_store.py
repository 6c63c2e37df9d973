"""What is known of the cluster: the latest state of each object, and whose it is."""

from __future__ import annotations

from typing import Any

from talk_operator.kinds import AGENT_LABEL
from talk_operator.store import Key, Store, trimmed


def obj(kind: str, name: str, version: str = "1", uid: str = "u", **meta: Any) -> dict[str, Any]:
    made = {"name": name, "namespace": "talk", "uid": uid, "resourceVersion": version, **meta}
    return {"apiVersion": "v1", "kind": kind, "metadata": made, "spec": {}}


def test_an_older_state_of_the_same_object_does_not_come_back() -> None:
    store = Store()
    assert store.put(obj("Service", "a", "10"))
    assert not store.put(obj("Service", "a", "9"))
    assert not store.put(obj("Service", "a", "10"))
    assert store.put(obj("Service", "a", "11"))
    assert store.put(obj("Service", "a", "5", uid="made anew"))


def test_the_end_of_an_object_is_not_the_end_of_the_one_made_anew() -> None:
    store = Store()
    store.put(obj("Service", "a", uid="new"))
    store.drop(obj("Service", "a", uid="old"))
    assert store.get("Service", "talk", "a")
    store.drop(obj("Service", "a", uid="new"))
    store.drop(obj("Service", "a", uid="new"))
    assert store.get("Service", "talk", "a") is None


def test_an_object_that_changes_its_agent_is_found_under_the_new_one() -> None:
    store = Store()
    store.put(obj("Service", "a", "1", labels={AGENT_LABEL: "one"}))
    store.put(obj("Service", "a", "2", labels={AGENT_LABEL: "two"}))
    assert store.objects(Key("talk", "one")) == []
    assert len(store.objects(Key("talk", "two"))) == 1


def test_callers_follow_the_tools() -> None:
    store = Store()
    agent = obj("TalkAgent", "a")
    store.put({**agent, "spec": {"tools": [{"agent": {"name": "b"}}]}})
    assert store.callers(Key("talk", "b")) == {Key("talk", "a")}
    store.put({**obj("TalkAgent", "a", "2"), "spec": {}})
    assert store.callers(Key("talk", "b")) == set()


def test_what_nothing_reads_is_not_kept() -> None:
    pod = obj("Pod", "p", managedFields=[{}], labels={AGENT_LABEL: "a"})
    kept = trimmed({**pod, "status": {"phase": "Running", "hostIP": "x"}})
    assert kept["status"] == {"phase": "Running"}
    assert "spec" not in kept
    assert "managedFields" not in kept["metadata"]
    applied = {"kubectl.kubernetes.io/last-applied-configuration": "{}", "mine": "1"}
    assert trimmed(obj("Service", "a", annotations=applied))["metadata"]["annotations"] == {"mine": "1"}
