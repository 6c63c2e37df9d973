"""Lists everything now and then: a watch that broke off tells nothing of what was deleted meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from talk_kit.logs import get_logger
from talk_operator import metrics
from talk_operator.api import Api, ApiFailed
from talk_operator.handlers import Told
from talk_operator.kinds import WATCHED, Kind
from talk_operator.store import Store, version

log = get_logger(__name__)


class Resync:
    """Compares the store with the API server."""

    def __init__(self, api: Api, store: Store, namespaces: Sequence[str], told: Told) -> None:
        self._api = api
        self._store = store
        self._namespaces = namespaces
        self._told = told

    async def run(self, interval: float, sign: Callable[[], None]) -> None:
        """Lists every `interval` seconds, give or take a quarter; `sign` is called after each listing that worked."""
        while True:
            await asyncio.sleep(interval * random.uniform(0.75, 1.25))  # noqa: S311 - spreads load
            try:
                await self.once()
                sign()
            except ApiFailed as failed:
                log.warning("listing_failed", reason=str(failed))

    async def once(self) -> None:
        """One listing of every kind."""
        for namespace in self._namespaces:
            for kind in WATCHED:
                await self._compare(kind, namespace)

    async def _compare(self, kind: Kind, namespace: str) -> None:
        """What changed in the store while the list was made is newer than the list."""
        before = {obj["metadata"]["name"]: version(obj) for obj in self._store.of_kind(kind.name, namespace)}
        listed = set()
        async for obj in self._api.list(kind, namespace):
            name = obj["metadata"]["name"]
            listed.add(name)
            if version(obj) != before.get(name) and self._untouched(kind, namespace, name, before):
                self._missed(kind)
                self._store.put(obj)
                self._told(obj)
        for name in before.keys() - listed:
            gone = self._store.get(kind.name, namespace, name)
            if gone is not None and version(gone) == before[name]:
                self._missed(kind)
                self._store.drop(gone)
                self._told(gone)

    def _untouched(self, kind: Kind, namespace: str, name: str, before: dict[str, tuple[str, str]]) -> bool:
        known = self._store.get(kind.name, namespace, name)
        return (version(known) if known else None) == before.get(name)

    def _missed(self, kind: Kind) -> None:
        metrics.MISSED.labels(kind.name).inc()
