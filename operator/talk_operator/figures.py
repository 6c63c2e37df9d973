"""What the operator counts of agents, from what its watches told: nothing is asked of the API server for it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from typing import Any

from prometheus_client import Gauge

from talk_operator import metrics
from talk_operator.config import Object
from talk_operator.kinds import AUTOSCALER, POD, TALK_AGENT
from talk_operator.store import Key, Store, key_of

Labels = tuple[str, ...]


class Figures:
    """Brings the gauges and counters about agents up to date. Series of what is gone end."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._restarts = Restarts()
        self._shown: dict[Hashable, set[Labels]] = {}

    def update(self) -> None:
        """Called every few seconds; 1,000 agents take some milliseconds."""
        agents = self._store.of_kind(TALK_AGENT.name)
        ready = sum(condition(agent, "Ready").get("status") == "True" for agent in agents)
        metrics.AGENTS.labels("true").set(ready)
        metrics.AGENTS.labels("false").set(len(agents) - ready)
        self._show(metrics.DEGRADED, degraded(agents))
        self._show(metrics.AUTOSCALERS, at_limit(self._store.of_kind(AUTOSCALER.name)))
        self._count(agents)

    def _show(self, gauge: Gauge, values: Mapping[Labels, bool]) -> None:
        for labels in self._shown.get(gauge, set()) - values.keys():
            gauge.remove(*labels)
        for labels, value in values.items():
            gauge.labels(*labels).set(value)
        self._shown[gauge] = set(values)

    def _count(self, agents: Iterable[Object]) -> None:
        known: set[Labels] = {(agent["metadata"]["namespace"], agent["metadata"]["name"]) for agent in agents}
        for labels in self._shown.get(metrics.RESTARTS, set()) - known:
            metrics.RESTARTS.remove(*labels)
        new = self._restarts.since(self._store.of_kind(POD.name))
        for labels in known:
            metrics.RESTARTS.labels(*labels).inc(new.get(Key(*labels), 0))
        self._shown[metrics.RESTARTS] = known


class Restarts:
    """Restarts by agent. The number that a pod has when it is first seen happened before, and does not count."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def since(self, pods: Iterable[Object]) -> dict[Key, int]:
        """Restarts since the last time, by agent; nothing for one without."""
        now: dict[str, int] = {}
        new: dict[Key, int] = {}
        for pod in pods:
            uid = pod["metadata"]["uid"]
            now[uid] = sum(each.get("restartCount", 0) for each in pod["status"].get("containerStatuses") or ())
            key, more = key_of(pod), now[uid] - self._seen.get(uid, now[uid])
            if key is not None and more > 0:
                new[key] = new.get(key, 0) + more
        self._seen = now
        return new


def degraded(agents: Iterable[Object]) -> dict[Labels, bool]:
    """Namespace, name and reason of each agent whose condition Degraded is true."""
    found = ((agent["metadata"], condition(agent, "Degraded")) for agent in agents)
    return {
        (meta["namespace"], meta["name"], each["reason"]): True for meta, each in found if each.get("status") == "True"
    }


def at_limit(autoscalers: Iterable[Object]) -> dict[Labels, bool]:
    """Namespace and name of each autoscaler, and whether it would have more pods if it might."""
    return {
        (each["metadata"]["namespace"], each["metadata"]["name"]): (
            (limited := condition(each, "ScalingLimited")).get("status") == "True"
            and limited.get("reason") == "TooManyReplicas"
        )
        for each in autoscalers
    }


def condition(obj: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """A condition of the status, or an empty one."""
    conditions = (obj.get("status") or {}).get("conditions") or ()
    return next((each for each in conditions if each["type"] == kind), {})
