"""The cluster as the watches have told it so far. Pure: objects in, the agents that changed out.

Watches of different kinds and namespaces tell their events in any order between them; the state depends on the
objects alone, never on that order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from talk_gateway.directory.agent import AgentVoice
from talk_gateway.directory.facts import AgentFacts, Endpoint, Json, Key, SliceFacts, agent_facts, key_of, slice_facts

NO_POD = "No pod of the agent is ready."


class Kind(Enum):
    """What is watched."""

    AGENT = "talkagents"
    SLICE = "endpointslices"


@dataclass(frozen=True, slots=True)
class Seen:
    """One agent as it is now. `preferred` take turns; `spare` end, and still answer. URLs in a stable order.

    `reason` is empty where the agent can be asked.
    """

    description: str
    voice: AgentVoice
    preferred: tuple[str, ...]
    spare: tuple[str, ...]
    reason: str
    requests_per_minute: int = 0


@dataclass(slots=True)
class Cluster:
    """`default_voice` is what the `spec.voice` of an agent leaves out, in the same form."""

    default_voice: Json = field(default_factory=dict)
    _agents: dict[Key, AgentFacts] = field(default_factory=dict)
    _slices: dict[Key, SliceFacts] = field(default_factory=dict)
    _slices_of: dict[Key, set[Key]] = field(default_factory=dict)

    def replace(self, kind: Kind, namespace: str, documents: Iterable[Json]) -> set[Key]:
        """A list: those are all objects of this kind there. Returns the agents that may have changed."""
        by_key = {key_of(document): document for document in documents}
        shelf: dict[Key, Any] = self._agents if kind is Kind.AGENT else self._slices
        vanished = [key for key in shelf if key.namespace == namespace and key not in by_key]
        changed: set[Key] = set()
        for key in vanished:
            changed |= self._drop(kind, key)
        for key, document in by_key.items():
            changed |= self._put(kind, key, document)
        return changed

    def apply(self, kind: Kind, event: str, document: Json) -> set[Key]:
        """An event of a watch: ADDED, MODIFIED or DELETED; others change nothing. Returns as `replace`."""
        if event == "DELETED":
            return self._drop(kind, key_of(document))
        return self._put(kind, key_of(document), document) if event in ("ADDED", "MODIFIED") else set()

    def agent(self, key: Key) -> Seen | None:
        """The agent, or None where there is none."""
        facts = self._agents.get(key)
        if facts is None:
            return None
        endpoints = _one_each(e for name in self._slices_of.get(key, ()) for e in self._slices[name].endpoints)
        preferred = tuple(e.url for e in endpoints if e.ready)
        spare = tuple(e.url for e in endpoints if e.serving and not e.ready)
        reason = "" if preferred or spare else facts.message or NO_POD
        return Seen(facts.description, facts.voice, preferred, spare, reason, facts.requests_per_minute)

    def known(self) -> set[Key]:
        """Every agent there is."""
        return set(self._agents)

    def _put(self, kind: Kind, key: Key, document: Json) -> set[Key]:
        if kind is Kind.AGENT:
            before, self._agents[key] = self._agents.get(key), agent_facts(document, self.default_voice)
            return set() if before == self._agents[key] else {key}
        facts = slice_facts(document)
        if facts is not None and facts == self._slices.get(key):
            return set()
        changed = self._drop(kind, key)
        if facts is None:
            return changed
        self._slices[key] = facts
        self._slices_of.setdefault(facts.agent, set()).add(key)
        return changed | {facts.agent}

    def _drop(self, kind: Kind, key: Key) -> set[Key]:
        if kind is Kind.AGENT:
            return {key} if self._agents.pop(key, None) else set()
        facts = self._slices.pop(key, None)
        if facts is None:
            return set()
        names = self._slices_of[facts.agent]
        names.discard(key)
        if not names:
            del self._slices_of[facts.agent]
        return {facts.agent}


def _one_each(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """One endpoint for each pod.

    A pod is in two slices while it moves between them, and has an address of each family under dual stack; IPv4 is
    taken, and of two opinions the better one, as the API asks of consumers.
    """
    best: dict[str, Endpoint] = {}
    for endpoint in endpoints:
        known = best.get(endpoint.pod)
        if known is None or _rank(endpoint) < _rank(known):
            best[endpoint.pod] = endpoint
    return sorted(best.values(), key=lambda endpoint: (endpoint.host, endpoint.port))


def _rank(endpoint: Endpoint) -> tuple[bool, bool, bool, str, int]:
    return not endpoint.ready, not endpoint.serving, ":" in endpoint.host, endpoint.host, endpoint.port
