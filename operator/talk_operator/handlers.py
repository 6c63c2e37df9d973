"""What kopf calls. Indexes fill the store before any handler runs; events make a key due. Nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import kopf

from talk_operator.kinds import WATCHED, Kind
from talk_operator.login import login
from talk_operator.store import Store

Told = Callable[[Mapping[str, Any]], None]


def register(registry: kopf.OperatorRegistry, store: Store, told: Told) -> None:
    """Has `store` follow the cluster and `told` called with each object that is new, changed or gone."""
    kopf.on.login(registry=registry)(login)
    for kind in WATCHED:
        _follow(registry, kind, store, told)


def _follow(registry: kopf.OperatorRegistry, kind: Kind, store: Store, told: Told) -> None:
    where = {"group": kind.group, "version": kind.version, "plural": kind.plural}

    @kopf.index(**where, id=f"{kind.plural}-index", registry=registry)  # type: ignore[arg-type]
    async def remember(body: kopf.Body, **_: object) -> None:
        store.put({**kind.head, **body})

    @kopf.on.event(**where, id=f"{kind.plural}-event", registry=registry)  # type: ignore[arg-type]
    async def happened(event: Mapping[str, Any], **_: object) -> None:
        obj = {**kind.head, **event["object"]}
        if event["type"] == "DELETED":
            store.drop(obj)
        told(obj)
