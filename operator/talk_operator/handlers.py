"""What kopf calls. Indexes fill the store before any handler runs; news makes a key due. Nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import kopf

from talk_operator.kinds import CONFIG_MAP, TALK_AGENT, WATCHED, Kind
from talk_operator.store import Store

Told = Callable[[Mapping[str, Any]], None]


class Following:
    """Tells what is new. Nothing before the first listings are whole: an object that is not listed yet is no missing
    one. kopf calls handlers only then, so the first call of one says so.
    """

    def __init__(self, store: Store, told: Told) -> None:
        self._store = store
        self._told = told
        self._whole = False
        self._untold: set[str] = set()

    def seen(self, obj: Mapping[str, Any]) -> None:
        """An object as a listing or a watch has it. What the operator itself wrote is no news."""
        if not self._store.put(obj):
            return
        if self._whole:
            self._told(obj)
        else:
            self._untold.add(obj["metadata"]["uid"])

    def handled(self, obj: Mapping[str, Any]) -> None:
        """The same object, when everything else is known too."""
        self._whole = True
        if obj["metadata"]["uid"] in self._untold:
            self._untold.discard(obj["metadata"]["uid"])
            self._told(obj)

    def gone(self, obj: Mapping[str, Any]) -> None:
        """An object that was deleted."""
        self._store.drop(obj)
        self._told(obj)


def register(registry: kopf.OperatorRegistry, store: Store, told: Told) -> None:
    """Has `store` follow the cluster and `told` called with each object that is new, changed or gone."""
    kopf.on.login(registry=registry)(_login)
    following = Following(store, told)
    for kind in WATCHED:
        _follow(registry, kind, following)


def _follow(registry: kopf.OperatorRegistry, kind: Kind, following: Following) -> None:
    where = {"group": kind.group, "version": kind.version, "plural": kind.plural}
    # The others are an agent's: what is new of them is seen by the index, and the agent itself is handled.
    always = kind in (TALK_AGENT, CONFIG_MAP)

    @kopf.index(**where, id=f"{kind.plural}-index", registry=registry)  # type: ignore[arg-type]
    async def seen(body: kopf.Body, **_: object) -> None:
        following.seen({**kind.head, **body})

    @kopf.on.event(**where, id=f"{kind.plural}-event", registry=registry, when=None if always else _is_end)  # type: ignore[arg-type]
    async def happened(event: Mapping[str, Any], **_: object) -> None:
        obj = {**kind.head, **event["object"]}
        if event["type"] == "DELETED":
            following.gone(obj)
        else:
            following.handled(obj)


def _is_end(event: Mapping[str, Any], **_: object) -> bool:
    return bool(event["type"] == "DELETED")


async def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """A pod's own account, or KUBECONFIG."""
    return kopf.login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
