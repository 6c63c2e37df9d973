"""One replica works, the others stand by: a Lease that is held, and whose loss ends the process.

Times of other machines are not compared: a Lease counts as given up when its record has not changed here for as long
as it says. A holder that is killed is replaced within DURATION and one RETRY.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from talk_kit.logs import get_logger
from talk_operator import metrics
from talk_operator.api import Api, ApiFailed
from talk_operator.config import Object
from talk_operator.kinds import LEASE

log = get_logger(__name__)

# Seconds. The holder gives up (DEADLINE) before another takes over (DURATION).
DURATION, DEADLINE, RENEW, RETRY = 15, 10.0, 4.0, 2.0


class LeaseLost(Exception):
    """Another replica has it, or it could not be renewed in time: this process must not write any more."""


@dataclass(frozen=True)
class Seen:
    """A Lease's record, and when this process first saw it (monotonic seconds)."""

    record: tuple[Any, ...]
    at: float


def free(lease: Object, seen: Seen, now: float) -> bool:
    """Whether nobody holds it any more."""
    spec = lease.get("spec") or {}
    return not spec.get("holderIdentity") or now - seen.at >= spec.get("leaseDurationSeconds", DURATION)


class Lease:
    """The Lease of one replica, by its identity."""

    def __init__(
        self,
        api: Api,
        namespace: str,
        name: str,
        identity: str,
        *,
        clock: Callable[[], float] | None = None,
        sleep: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._api = api
        self._namespace, self._name, self._identity = namespace, name, identity
        self._clock = clock or (lambda: asyncio.get_running_loop().time())
        self._sleep = sleep
        self._seen: Seen | None = None
        self._held: Object | None = None

    @property
    def held(self) -> bool:
        """Whether this replica is the one at work."""
        return self._held is not None

    async def acquire(self) -> None:
        """Returns when it is held. Waits as long as another replica is well."""
        while not await self._try():
            await self._sleep(RETRY)
        metrics.LEADER.set(1)
        log.info("lease_taken", lease=self._name, identity=self._identity)

    async def hold(self) -> None:
        """Renews for ever. Raises LeaseLost."""
        renewed = self._clock()
        while True:
            await self._sleep(RENEW if self._clock() - renewed < RENEW else 1.0)
            try:
                async with asyncio.timeout(DEADLINE):
                    self._held = await self._api.write_lease(self._record(self._held))
                renewed = self._clock()
            except (ApiFailed, TimeoutError) as error:
                log.warning("lease_not_renewed", reason=str(error) or "no answer")
                if (isinstance(error, ApiFailed) and error.code == 409) or self._clock() - renewed >= DEADLINE:
                    self._held = None
                    metrics.LEADER.set(0)
                    raise LeaseLost(f"Lease {self._name} is not {self._identity}'s any more: {error}") from None

    async def release(self) -> None:
        """Gives it up at once, so that another replica need not wait."""
        if self._held is None:
            return
        held, self._held = self._held, None
        metrics.LEADER.set(0)
        record = self._record(held)
        record["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
        try:
            async with asyncio.timeout(2.0):
                await self._api.write_lease(record)
        except (ApiFailed, TimeoutError) as error:
            log.info("lease_not_released", reason=str(error) or "no answer")

    async def _try(self) -> bool:
        try:
            lease = await self._api.lease(self._namespace, self._name)
            if lease is not None and not self._is_free(lease):
                return False
            self._held = await self._api.write_lease(self._record(lease))
        except ApiFailed as failed:
            if failed.code != 409:
                log.warning("lease_unreachable", reason=str(failed))
            return False
        return True

    def _is_free(self, lease: Object) -> bool:
        spec = lease.get("spec") or {}
        record = (spec.get("holderIdentity"), spec.get("renewTime"), lease["metadata"].get("uid"))
        if self._seen is None or self._seen.record != record:
            self._seen = Seen(record, self._clock())
        return free(lease, self._seen, self._clock())

    def _record(self, before: Object | None) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        spec = (before or {}).get("spec") or {}
        same = spec.get("holderIdentity") == self._identity
        meta: Object = {"name": self._name, "namespace": self._namespace}
        if before is not None:
            meta = {**before["metadata"], **meta}
            meta.pop("managedFields", None)
        return {
            **LEASE.head,
            "metadata": meta,
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": DURATION,
                "acquireTime": spec["acquireTime"] if same and "acquireTime" in spec else now,
                "renewTime": now,
                "leaseTransitions": int(spec.get("leaseTransitions") or 0) + (0 if same else 1),
            },
        }
