"""TalkAgents of the chart's `agents:` value: from a ConfigMap that owns them, so that they go with the release.

Helm cannot create a resource whose kind the same install brings; the operator can, as soon as the kind is there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from talk_kit.logs import get_logger
from talk_kit.names import is_agent_name
from talk_operator.api import Api, ApiFailed
from talk_operator.config import Object
from talk_operator.difference import differs, with_hash
from talk_operator.kinds import CONFIG_MAP, FIELD_MANAGER, PART_OF, PART_OF_LABEL, TALK_AGENT
from talk_operator.store import Key, Store

log = get_logger(__name__)
SUFFIX = ".yaml"


class InvalidAgents(Exception):
    """The ConfigMap has what is no agent; each problem is a sentence."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


class ValuesAgents:
    """Keeps the TalkAgents of one ConfigMap as it says."""

    def __init__(self, api: Api, store: Store, namespace: str, name: str) -> None:
        self._api = api
        self._store = store
        self._namespace = namespace
        self._name = name
        self._told: set[str] = set()

    async def reconcile(self) -> None:
        """Makes, changes and deletes. Raises InvalidAgents with all that did not work, after all that did."""
        owner = self._store.get(CONFIG_MAP.name, self._namespace, self._name)
        if owner is None or owner["metadata"].get("deletionTimestamp"):
            return  # the agents go with it, by their owner reference
        wanted, problems = parse(owner)
        uid = owner["metadata"]["uid"]
        for name, spec in wanted.items():
            if problem := await self._apply(talk_agent(owner, name, spec), uid):
                problems.append(problem)
        for live in self._store.of_kind(TALK_AGENT.name, self._namespace):
            if _owned(live, uid) and live["metadata"]["name"] not in wanted and not _named(live, problems):
                await self._api.delete(TALK_AGENT, self._namespace, live["metadata"]["name"])
                log.info("values_agent_deleted", agent=live["metadata"]["name"])
        await self._tell(owner, problems)

    async def _apply(self, agent: Object, uid: str) -> str | None:
        name = agent["metadata"]["name"]
        live = self._store.agent(Key(self._namespace, name))
        if live is not None:
            if not _owned(live, uid):
                return (
                    f"{name}: a TalkAgent of this name is there already and is not this release's; it stays as it is."
                )
            if not differs(agent, live):
                return None
        try:
            # Not into the store: the watch brings it, as news that makes the TalkAgent due.
            await self._api.apply(TALK_AGENT, agent, force=live is not None)
        except ApiFailed as failed:
            return f"{name}: {failed}"
        log.info("values_agent_applied", agent=name)
        return None

    async def _tell(self, owner: Object, problems: list[str]) -> None:
        """An Event for each problem that is new; and a failure, for another try."""
        for problem in set(problems) - self._told:
            try:
                await self._api.event(owner, "Warning", "InvalidAgent", problem)
            except ApiFailed as failed:
                log.info("event_not_posted", detail=str(failed)[:200])
        self._told = set(problems)
        if problems:
            raise InvalidAgents(problems)


def parse(configmap: Mapping[str, Any]) -> tuple[dict[str, Object], list[str]]:
    """The specs by name, and what is wrong."""
    specs: dict[str, Object] = {}
    problems: list[str] = []
    for key, text in sorted((configmap.get("data") or {}).items()):
        name = key.removesuffix(SUFFIX)
        if not key.endswith(SUFFIX) or not is_agent_name(name):
            problems.append(f"{key}: must be NAME.yaml, the name a DNS label of at most 40 characters.")
            continue
        try:
            spec = yaml.safe_load(text)
        except yaml.YAMLError as error:
            problems.append(f"{name}: is no YAML: {error}".replace("\n", " "))
            continue
        if isinstance(spec, dict):
            specs[name] = spec
        else:
            problems.append(f"{name}: must be a mapping, the spec of a TalkAgent.")
    return specs, problems


def talk_agent(owner: Mapping[str, Any], name: str, spec: Object) -> Object:
    """The TalkAgent of one key."""
    meta = owner["metadata"]
    return with_hash(
        {
            **TALK_AGENT.head,
            "metadata": {
                "name": name,
                "namespace": meta["namespace"],
                "labels": {PART_OF_LABEL: PART_OF, "app.kubernetes.io/managed-by": FIELD_MANAGER},
                "ownerReferences": [
                    {**CONFIG_MAP.head, "name": meta["name"], "uid": meta["uid"], "blockOwnerDeletion": False}
                ],
            },
            "spec": spec,
        }
    )


def _owned(live: Mapping[str, Any], uid: str) -> bool:
    return any(owner.get("uid") == uid for owner in live["metadata"].get("ownerReferences") or ())


def _named(live: Mapping[str, Any], problems: list[str]) -> bool:
    """A spec that cannot be read now does not delete the agent that it was."""
    return any(problem.startswith(f"{live['metadata']['name']}:") for problem in problems)
