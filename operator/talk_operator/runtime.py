"""The operator whole: first the Lease and a listing, then watches, workers and what looks after them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from talk_kit.errors import Unavailable
from talk_kit.health import Check, Health
from talk_kit.logs import get_logger
from talk_operator import metrics
from talk_operator.api import Api, ApiFailed
from talk_operator.config import Config
from talk_operator.figures import Figures
from talk_operator.kinds import CONFIG_MAP, TALK_AGENT
from talk_operator.lease import Lease, LeaseLost
from talk_operator.readiness import Readiness
from talk_operator.reconcile import Reconciler
from talk_operator.redis_users import RedisUsers
from talk_operator.resync import Resync
from talk_operator.settings import Settings
from talk_operator.store import Key, Store, key_of
from talk_operator.values_agents import ValuesAgents
from talk_operator.watching import watch
from talk_operator.workqueue import WorkQueue

log = get_logger(__name__)

# Seconds without a sign of the API server after which the process ends, to begin anew; and between two looks at it.
SILENCE = 300.0
LOOK = 10.0
FILL_RETRY = 2.0
# No name of an agent: stands for the ConfigMap of `agents:` in the queue.
VALUES = "@values"


def end_process() -> None:
    """Ends at once: what a replica that lost its Lease still has in hand must not be written."""
    os._exit(1)


@dataclass(frozen=True)
class Dependencies:
    """What an operator is made from. `end` ends the process; it is a test's to replace."""

    config: Config
    api: Api
    readiness: Readiness
    identity: str
    end: Callable[[], None] = end_process


class Operator:
    """One replica."""

    def __init__(self, settings: Settings, deps: Dependencies) -> None:
        self._settings = settings
        self._deps = deps
        self.namespace = settings.namespace or deps.api.namespace
        self._namespaces = settings.namespaces(self.namespace)
        self.store = Store()
        self._figures = Figures(self.store)
        config = replace(deps.config, namespace=self.namespace)
        address = settings.redis() if config.redisSecret.name else None
        self._users = RedisUsers(address, self.store, config) if address else None
        self._reconciler = Reconciler(deps.api, self.store, config, deps.readiness, self._users)
        self._values = ValuesAgents(deps.api, self.store, self.namespace, settings.agents_configmap)
        self.queue: WorkQueue[Key] = WorkQueue(self._work, workers=settings.workers)
        self.lease = Lease(deps.api, self.namespace, settings.lease_name, deps.identity)
        self._last_sign = 0.0
        self._filled = False
        self._missing = "still listing"
        self.health = Health([Check("operator", self._check, interval=1.0)])

    async def run(self) -> None:
        """Works until cancelled; gives the Lease back then. Anything else ends the process."""
        self.sign()
        try:
            await self.lease.acquire()
            self.sign()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._hold(), name="lease")
                group.create_task(self._work_on(), name="operator")
        except asyncio.CancelledError:
            await self.lease.release()
            raise
        except BaseExceptionGroup as failed:
            log.error("operator_failed", reasons=[f"{type(each).__name__}: {each}" for each in failed.exceptions])
            self._deps.end()

    async def _hold(self) -> None:
        """A replica that has lost the Lease ends before it could write once more."""
        try:
            await self.lease.hold()
        except LeaseLost as lost:
            log.error("lease_lost", reason=str(lost))
            self._deps.end()
            raise

    async def _work_on(self) -> None:
        resync = Resync(self._deps.api, self.store, self._namespaces, self.told)
        await self._fill(resync)
        log.info("operator_starting", namespaces=self._namespaces, identity=self._deps.identity)
        for agent in self.store.agents():
            self.told(agent)
        self.queue.add(Key(self.namespace, VALUES))
        async with asyncio.TaskGroup() as group:
            group.create_task(watch(self._namespaces, self.store, self.told), name="watches")
            group.create_task(self.queue.run(), name="workers")
            group.create_task(resync.run(self._settings.resync, self.sign), name="resync")
            group.create_task(self._watchdog(), name="watchdog")
            if self._users is not None:
                group.create_task(self._users.run(), name="redis-users")

    async def _fill(self, resync: Resync) -> None:
        """A first install brings the CRD beside the operator: until it is there, `/ready` says what is missing."""
        while not self._filled:
            try:
                await resync.fill()
                self._filled = True
            except ApiFailed as failed:
                log.info("listing_failed", reason=str(failed))
                self._missing = str(failed)
                await asyncio.sleep(FILL_RETRY)
            self.sign()

    def sign(self) -> None:
        """The API server told something."""
        self._last_sign = asyncio.get_running_loop().time()
        metrics.LAST_SIGN.set_to_current_time()

    def told(self, obj: Mapping[str, Any]) -> None:
        """An object is new, changed or gone: who depends on it is due."""
        self.sign()
        if obj["kind"] == CONFIG_MAP.name and self._is_values(obj):
            self.queue.add(Key(self.namespace, VALUES))
        key = key_of(obj)
        if key is None:
            return
        self.queue.add(key)
        if obj["kind"] == TALK_AGENT.name:
            for caller in self.store.callers(key):
                self.queue.add(caller)
            if self._settings.agents_configmap and key.namespace == self.namespace:
                self.queue.add(Key(self.namespace, VALUES))

    def _is_values(self, obj: Mapping[str, Any]) -> bool:
        meta = obj["metadata"]
        return (meta["namespace"], meta["name"]) == (self.namespace, self._settings.agents_configmap)

    async def _work(self, key: Key) -> float | None:
        if key.name == VALUES:
            await self._values.reconcile()
            return None
        return await self._reconciler.reconcile(key)

    async def _watchdog(self) -> None:
        while True:
            await asyncio.sleep(LOOK)
            self._figures.update()
            silent = asyncio.get_running_loop().time() - self._last_sign
            if silent > SILENCE:
                log.error("watchdog", silent_seconds=round(silent))
                self._deps.end()

    async def _check(self) -> None:
        """A replica that stands by is ready; one that works is, when it knows the cluster and hears of it."""
        if not self.lease.held:
            return
        if not self._filled:
            raise Unavailable(f"The cluster is not listed yet: {self._missing}")
        if asyncio.get_running_loop().time() - self._last_sign > SILENCE:
            raise Unavailable("The API server has told nothing for five minutes.")
