"""A listing finds what no watch told, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talk_operator.kinds import AGENT_LABEL
from talk_operator.resync import Resync
from talk_operator.store import Key, Store
from tests.fakes.cluster import FakeCluster


def service(name: str, agent: str = "a") -> dict[str, Any]:
    meta = {"name": name, "namespace": "talk", "labels": {AGENT_LABEL: agent}}
    return {"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {}}


async def test_what_was_missed_is_told_once_and_what_is_known_is_not() -> None:
    cluster, store = FakeCluster(), Store()
    told: list[tuple[str, str]] = []

    def hear(obj: Mapping[str, Any]) -> None:
        told.append((obj["kind"], obj["metadata"]["name"]))

    for name in ("kept", "changed", "deleted"):
        cluster.put(service(name))
    cluster.sync(store)
    cluster.remove("Service", "talk", "deleted")
    cluster.put({**service("changed"), "spec": {"x": 1}})
    cluster.put(service("made"))
    resync = Resync(cluster.api(), store, ["talk"], hear)
    await resync.once()
    assert sorted(told) == [("Service", "changed"), ("Service", "deleted"), ("Service", "made")]
    await resync.once()
    assert len(told) == 3
    assert {obj["metadata"]["name"] for obj in store.objects(Key("talk", "a"))} == {"kept", "changed", "made"}
    assert {verb for verb, _ in cluster.requests} == {"list"}
