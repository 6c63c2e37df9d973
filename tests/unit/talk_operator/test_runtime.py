"""The operator's process: who is due after an event, what its probes say, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from talk_kit.errors import Unavailable
from talk_operator.app import create_app
from talk_operator.config import parse_config
from talk_operator.kinds import AGENT_LABEL
from talk_operator.readiness import Readiness
from talk_operator.runtime import VALUES, Dependencies, Operator
from talk_operator.settings import Settings
from talk_operator.store import Key
from tests.fakes.cluster import FakeCluster
from tests.fakes.serving import serve
from tests.fakes.waiting import eventually

pytestmark = pytest.mark.loopback
SETTINGS = Settings(namespace="talk", agents_configmap="talk-agents", watch_namespaces=("other", "talk"))
CONFIG = parse_config({"image": "a:1", "gatewayURL": "http://gw:8080"})


class Ended(BaseException):
    """In place of the end of the process."""


def end() -> None:
    raise Ended


@pytest.fixture
def cluster() -> FakeCluster:
    return FakeCluster()


def dependencies(cluster: FakeCluster) -> Dependencies:
    return Dependencies(CONFIG, cluster.api(), Readiness(), "one", end)


def obj(kind: str, name: str, namespace: str = "talk", **labels: str) -> dict[str, Any]:
    meta = {"name": name, "namespace": namespace, "uid": name, "resourceVersion": "1", "labels": labels}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, "spec": {}}


def agent(name: str, *tools: str) -> dict[str, Any]:
    made = obj("TalkAgent", name)
    return {**made, "spec": {"tools": [{"agent": {"name": tool}} for tool in tools]}}


class Due(list[Key]):
    """Stands for the queue."""

    def add(self, key: Key) -> None:
        self.append(key)


async def test_who_is_due_after_an_event(cluster: FakeCluster) -> None:
    operator = Operator(SETTINGS, dependencies(cluster))
    operator.queue = due = Due()  # type: ignore[assignment]
    operator.store.put(agent("caller", "helper"))
    told = {
        "a child": (obj("Deployment", "talkagent-a", **{AGENT_LABEL: "a"}), {Key("talk", "a")}),
        "an agent and its callers": (
            agent("helper"),
            {Key("talk", "helper"), Key("talk", "caller"), Key("talk", VALUES)},
        ),
        "the values": (obj("ConfigMap", "talk-agents"), {Key("talk", VALUES)}),
        "a ConfigMap of the same name elsewhere": (obj("ConfigMap", "talk-agents", "other"), set()),
        "what is of no agent": (obj("ConfigMap", "talk-gateway"), set()),
        "an agent elsewhere": (
            {**agent("x"), "metadata": obj("TalkAgent", "x", "other")["metadata"]},
            {Key("other", "x")},
        ),
    }
    for happened, keys in told.values():
        due.clear()
        operator.told(happened)
        assert set(due) == keys


def test_the_own_namespace_is_first_and_none_is_twice() -> None:
    assert SETTINGS.namespaces("talk") == ("talk", "other")


async def test_a_replica_that_stands_by_is_ready_and_gives_up_waiting_at_the_end(cluster: FakeCluster) -> None:
    lease = {
        "kind": "Lease",
        "apiVersion": "coordination.k8s.io/v1",
        "metadata": {"name": "talk-operator", "namespace": "talk"},
    }
    cluster.put({**lease, "spec": {"holderIdentity": "two", "leaseDurationSeconds": 15}})
    async with serve(create_app(SETTINGS, dependencies(cluster))) as url, httpx.AsyncClient(base_url=url) as client:

        async def ready() -> bool:
            return (await client.get("/ready")).status_code == 200

        await eventually(ready)
        assert (await client.get("/healthz")).status_code == 200
        assert "controller_runtime_reconcile_total" in (await client.get("/metrics")).text
    assert cluster.get("Lease", "talk-operator")["spec"]["holderIdentity"] == "two"


async def test_without_the_crd_it_waits_and_says_so_and_gives_the_lease_back_at_the_end(cluster: FakeCluster) -> None:
    cluster.unknown.add("TalkAgent")
    operator = Operator(SETTINGS, dependencies(cluster))
    running = asyncio.create_task(operator.run())
    await eventually(lambda: ("list", "talkagents") in cluster.requests)
    with pytest.raises(Unavailable, match=r"talkagents\.talk\.dwani\.ai"):
        await operator.health.checks[0].probe()
    assert cluster.get("Lease", "talk-operator")["spec"]["holderIdentity"] == "one"
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cluster.get("Lease", "talk-operator")["spec"]["holderIdentity"] == ""
