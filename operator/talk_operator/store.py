"""What the API server has, as far as the watches told: TalkAgents, their objects and their pods.

A key is `namespace/name` of a TalkAgent. Only what reconciling reads is kept, to hold 1,000 agents in little memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from talk_operator.config import Object
from talk_operator.kinds import AGENT_LABEL, BY_NAME, POD, TALK_AGENT

_METADATA = (
    "name", "namespace", "uid", "resourceVersion", "generation", "labels", "annotations", "ownerReferences",
    "deletionTimestamp", "creationTimestamp",
)  # fmt: skip
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_POD_STATUS = ("phase", "conditions", "containerStatuses", "initContainerStatuses", "podIP")


@dataclass(frozen=True, order=True)
class Key:
    """A TalkAgent."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def version(obj: Mapping[str, Any]) -> tuple[str, str]:
    """Which object it is, and which state of it."""
    meta = obj.get("metadata", {})
    return str(meta.get("uid", "")), str(meta.get("resourceVersion", ""))


def key_of(obj: Mapping[str, Any]) -> Key | None:
    """The TalkAgent that an object is about; None for what is of no agent."""
    meta = obj["metadata"]
    name = meta["name"] if obj["kind"] == TALK_AGENT.name else (meta.get("labels") or {}).get(AGENT_LABEL)
    return Key(meta["namespace"], name) if name else None


class Store:
    """Objects by kind, namespace and name."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str, str], Object] = {}
        self._of_agent: dict[Key, set[tuple[str, str, str]]] = defaultdict(set)
        self._callers: dict[Key, set[Key]] = defaultdict(set)

    def put(self, obj: Mapping[str, Any]) -> bool:
        """Takes an object in. False when it was known in this state, or in a later one.

        What the operator wrote is known at once; the watch tells of the state before it only afterwards.
        """
        place = _place(obj)
        before = self._objects.get(place)
        if before is not None and not _later(before, obj):
            return False
        if before is not None:
            self._unlink(place, before)
        kept = trimmed(obj)
        self._objects[place] = kept
        self._link(place, kept)
        return True

    def drop(self, obj: Mapping[str, Any]) -> None:
        """Forgets an object that is gone; one that was made anew under its name stays."""
        place = _place(obj)
        before = self._objects.get(place)
        if before is not None and version(before)[0] == version(obj)[0]:
            self._unlink(place, before)
            del self._objects[place]

    def get(self, kind: str, namespace: str, name: str) -> Object | None:
        """An object, or None."""
        return self._objects.get((kind, namespace, name))

    def agent(self, key: Key) -> Object | None:
        """A TalkAgent, or None."""
        return self.get(TALK_AGENT.name, key.namespace, key.name)

    def objects(self, key: Key) -> list[Object]:
        """What carries the agent's label, pods apart."""
        return [self._objects[place] for place in sorted(self._of_agent.get(key, ())) if place[0] != POD.name]

    def pods(self, key: Key) -> list[Object]:
        """The agent's pods."""
        return [self._objects[place] for place in sorted(self._of_agent.get(key, ())) if place[0] == POD.name]

    def callers(self, key: Key) -> set[Key]:
        """The TalkAgents that have this one as a tool."""
        return set(self._callers.get(key, ()))

    def agents(self) -> Iterator[Object]:
        """Every TalkAgent."""
        return iter(self.of_kind(TALK_AGENT.name))

    def of_kind(self, kind: str, namespace: str | None = None) -> list[Object]:
        """Every object of a kind, in one namespace or in all."""
        return [obj for place, obj in self._objects.items() if place[0] == kind and namespace in (None, place[1])]

    def _link(self, place: tuple[str, str, str], obj: Object) -> None:
        key = key_of(obj)
        if key is None:
            return
        if obj["kind"] != TALK_AGENT.name:
            self._of_agent[key].add(place)
            return
        for tool in tools(obj):
            self._callers[Key(key.namespace, tool)].add(key)

    def _unlink(self, place: tuple[str, str, str], obj: Object) -> None:
        key = key_of(obj)
        if key is None:
            return
        if obj["kind"] != TALK_AGENT.name:
            _discard(self._of_agent, key, place)
            return
        for tool in tools(obj):
            _discard(self._callers, Key(key.namespace, tool), key)


def tools(agent: Mapping[str, Any]) -> list[str]:
    """The agents that an agent calls."""
    return [tool["agent"]["name"] for tool in agent["spec"].get("tools") or () if "agent" in tool]


def trimmed(obj: Mapping[str, Any]) -> Object:
    """The object without what nothing reads: the field managers are half of it, kubectl's copy another third."""
    meta = {name: obj["metadata"][name] for name in _METADATA if name in obj["metadata"]}
    if _LAST_APPLIED in (meta.get("annotations") or {}):
        meta["annotations"] = {name: text for name, text in meta["annotations"].items() if name != _LAST_APPLIED}
    if obj["kind"] == POD.name:
        status = obj.get("status") or {}
        return {"kind": POD.name, "metadata": meta, "status": {k: status[k] for k in _POD_STATUS if k in status}}
    return {**obj, "metadata": meta}


def _place(obj: Mapping[str, Any]) -> tuple[str, str, str]:
    meta = obj["metadata"]
    return BY_NAME[obj["kind"]].name, meta["namespace"], meta["name"]


def _later(before: Mapping[str, Any], obj: Mapping[str, Any]) -> bool:
    """Resource versions of one object grow; one that is no number is only another."""
    (uid, old), (new_uid, new) = version(before), version(obj)
    if uid != new_uid or not (old.isdecimal() and new.isdecimal()):
        return (uid, old) != (new_uid, new)
    return int(new) > int(old)


def _discard(sets: dict[Key, set[Any]], key: Key, member: object) -> None:
    sets[key].discard(member)
    if not sets[key]:
        del sets[key]
