"""What kopf calls: each event of a watch goes into the store, and news makes a key due. Nothing is written here.

No index of kopf's: until every object is indexed each waits for all others, which took 27 s of CPU for 6,000 of them.
The store is filled by listing before kopf starts instead.
"""

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
    @kopf.on.event(kind.group, kind.version, kind.plural, registry=registry)
    async def happened(event: Mapping[str, Any], **_: object) -> None:
        take(event["type"], {**kind.head, **event["object"]}, store, told)


def take(event: str | None, obj: Mapping[str, Any], store: Store, told: Told) -> None:
    """An event of a watch; None is a listing's. What was known, as what the operator itself wrote, is no news."""
    if event == "DELETED":
        store.drop(obj)
        told(obj)
    elif store.put(obj):
        told(obj)
