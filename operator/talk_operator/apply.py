"""Brings the objects of one TalkAgent to what is wanted: writes what differs, deletes what is left over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from talk_kit.logs import get_logger
from talk_kit.talkagent.names import OBJECT_PREFIX
from talk_operator.api import Api, ApiFailed
from talk_operator.config import Object
from talk_operator.difference import APPLIED_HASH, differs, with_hash
from talk_operator.kinds import AUTOSCALER, BY_NAME, CHILDREN, DEPLOYMENT, TALK_AGENT, Kind
from talk_operator.store import Key, Store, version

log = get_logger(__name__)

SCALED_BY = "talk.dwani.ai/scaled-by"
# Holds `spec.replicas` from when the operator lets go of it until the autoscaler first changes it.
HANDOVER_MANAGER = "talk-operator-handover"
# They come last: an autoscaler after what it scales, and pods not before their policy and their files.
_MAKES_PODS = frozenset({DEPLOYMENT.name, AUTOSCALER.name})


class NotOurs(Exception):
    """An object of a name that the agent needs belongs to somebody else."""


class Leaving(Exception):
    """An object of the TalkAgent that had this name before is about to be collected."""


class Applier:
    """Remembers what it wrote, so that a difference that the server does not keep is written once, not for ever."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store
        self._written: dict[tuple[str, str, str], tuple[str, tuple[str, str]]] = {}

    async def apply(self, agent: Mapping[str, Any], wanted: Iterable[Object]) -> None:
        """Writes what a pod needs at once, then what makes pods in its order: of an agent, most time is the API
        server's. Raises `ApiFailed`, `NotOurs` and `Leaving`; what was written stays."""
        objects = [with_hash(_marked(obj)) for obj in wanted]
        await self._prune(agent, objects)
        before = [obj for obj in objects if obj["kind"] not in _MAKES_PODS]
        failures = await asyncio.gather(*(self._apply(agent, obj) for obj in before), return_exceptions=True)
        if failed := next((each for each in failures if each is not None), None):
            raise failed
        for obj in objects:
            if obj["kind"] in _MAKES_PODS:
                await self._apply(agent, obj)

    def forget(self, key: Key) -> None:
        """The agent is gone."""
        for kind in CHILDREN:
            self._written.pop((kind.name, key.namespace, OBJECT_PREFIX + key.name), None)

    async def _apply(self, agent: Mapping[str, Any], obj: Object) -> None:
        kind, meta = BY_NAME[obj["kind"]], obj["metadata"]
        live = self._store.get(kind.name, meta["namespace"], meta["name"])
        if live is not None:
            self._check_ours(agent, kind, live)
            if not self._must_write(obj, live):
                return
            await self._hand_over(kind, obj, live)
        try:
            made = await self._api.apply(kind, obj, force=live is not None)
        except ApiFailed as failed:
            if live is None and failed.code == 409:
                raise NotOurs(f"{kind.name} {meta['name']} is somebody else's; rename it or delete it.") from None
            raise ApiFailed(failed.code, f"{kind.name} {meta['name']}: {failed}") from None
        log.info("applied", kind=kind.name, namespace=meta["namespace"], name=meta["name"], new=live is None)
        self._store.put(made)
        self._written[_place(obj)] = (meta["annotations"][APPLIED_HASH], version(made))

    def _must_write(self, obj: Object, live: Object) -> bool:
        """Whether it differs, unless this very difference was written to this very version."""
        wanted = (obj["metadata"]["annotations"][APPLIED_HASH], version(live))
        return self._written.get(_place(obj)) != wanted and differs(obj, live)

    def _check_ours(self, agent: Mapping[str, Any], kind: Kind, live: Object) -> None:
        """Raises NotOurs and Leaving. What has no controller, as after `kubectl delete --cascade=orphan`, is taken."""
        name, owners = live["metadata"]["name"], live["metadata"].get("ownerReferences") or ()
        other = next((o for o in owners if o.get("controller") and o.get("uid") != agent["metadata"]["uid"]), None)
        if live["metadata"].get("deletionTimestamp") or (other and _is_before(other, agent)):
            raise Leaving(f"{kind.name} {name} is being deleted; it is made anew when it is gone.")
        if other:
            raise NotOurs(f"{kind.name} {name} belongs to {other.get('kind')} {other.get('name')}.")

    async def _hand_over(self, kind: Kind, obj: Object, live: Object) -> None:
        """Lets another manager hold `replicas` before the operator stops to: a field of no manager becomes 1."""
        if kind is not DEPLOYMENT or "replicas" in obj["spec"]:
            return
        if (live["metadata"].get("annotations") or {}).get(SCALED_BY) != "operator":
            return
        meta = {name: obj["metadata"][name] for name in ("name", "namespace")}
        # An autoscaler leaves a Deployment of 0 alone: it is how one is switched off.
        replicas = max(1, live["spec"].get("replicas", 1))
        handed = {**DEPLOYMENT.head, "metadata": meta, "spec": {"replicas": replicas}}
        await self._api.apply(DEPLOYMENT, handed, manager=HANDOVER_MANAGER, force=True)
        log.info("replicas_handed_over", namespace=meta["namespace"], name=meta["name"], replicas=replicas)

    async def _prune(self, agent: Mapping[str, Any], objects: list[Object]) -> None:
        """Before anything is written: an autoscaler that is no longer wanted must not undo the replicas."""
        meta = agent["metadata"]
        kept = {(obj["kind"], obj["metadata"]["name"]) for obj in objects}
        for live in self._store.objects(Key(meta["namespace"], meta["name"])):
            name, owners = live["metadata"]["name"], live["metadata"].get("ownerReferences") or ()
            ours = any(owner.get("uid") == meta["uid"] and owner.get("controller") for owner in owners)
            if not ours or (live["kind"], name) in kept or live["metadata"].get("deletionTimestamp"):
                continue
            await self._api.delete(BY_NAME[live["kind"]], meta["namespace"], name)
            self._store.drop(live)
            log.info("pruned", kind=live["kind"], namespace=meta["namespace"], name=name)


def _marked(obj: Object) -> Object:
    """A Deployment with who decides on its replicas."""
    if obj["kind"] != DEPLOYMENT.name:
        return obj
    by = "operator" if "replicas" in obj["spec"] else "autoscaler"
    meta = obj["metadata"]
    return {**obj, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), SCALED_BY: by}}}


def _is_before(owner: Mapping[str, Any], agent: Mapping[str, Any]) -> bool:
    """Whether the owner is the TalkAgent that had the name before."""
    return (owner.get("kind"), owner.get("name")) == (TALK_AGENT.name, agent["metadata"]["name"])


def _place(obj: Object) -> tuple[str, str, str]:
    return obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"]
