"""Whose an object is: names, labels and the owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from talk_kit.talkagent.names import OBJECT_PREFIX
from talk_operator.config import Config, Object
from talk_operator.kinds import AGENT_LABEL, FIELD_MANAGER, PART_OF, PART_OF_LABEL, TALK_AGENT, Kind


def object_name(agent: str) -> str:
    """The name of every object of an agent. The prefix makes `3d-helper` a legal name of a Service."""
    return OBJECT_PREFIX + agent


def selector(agent: str) -> dict[str, str]:
    """Labels that only the pods of this agent have. A Deployment's selector never changes."""
    return {AGENT_LABEL: agent}


def labels(agent: str, config: Config) -> dict[str, str]:
    """The labels of every object."""
    return {
        **config.labels,
        "app.kubernetes.io/name": "talk-agent",
        "app.kubernetes.io/instance": object_name(agent),
        "app.kubernetes.io/component": "agent",
        "app.kubernetes.io/managed-by": FIELD_MANAGER,
        PART_OF_LABEL: PART_OF,
        **selector(agent),
    }


def owner(agent: Mapping[str, Any]) -> Object:
    """The owner reference to a TalkAgent: its objects go with it, whether the operator runs or not."""
    meta = agent["metadata"]
    return {
        **TALK_AGENT.head,
        "name": meta["name"],
        "uid": meta["uid"],
        "controller": True,
        # False: who may write TalkAgents need not be allowed to set finalizers on them.
        "blockOwnerDeletion": False,
    }


def child(kind: Kind, agent: Mapping[str, Any], config: Config, **parts: Any) -> Object:
    """An object of an agent."""
    meta = agent["metadata"]
    return {
        **kind.head,
        "metadata": {
            "name": object_name(meta["name"]),
            "namespace": meta["namespace"],
            "labels": labels(meta["name"], config),
            "ownerReferences": [owner(agent)],
        },
        **parts,
    }
