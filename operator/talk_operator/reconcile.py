"""One TalkAgent from what is wanted to what is there: idempotent, from the state and never from the event."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from talk_kit.logs import get_logger
from talk_operator.api import Api, ApiFailed
from talk_operator.apply import Applier, Leaving, NotOurs
from talk_operator.config import Config, Object
from talk_operator.diagnose import Finding, diagnose_pods, is_ready
from talk_operator.kinds import DEPLOYMENT
from talk_operator.readiness import Readiness
from talk_operator.redis_users import RedisUsers
from talk_operator.render import effective, render
from talk_operator.render.identity import object_name
from talk_operator.spec_check import blocking
from talk_operator.status import Observed, is_warning, status, transitions
from talk_operator.store import Key, Store, tools

log = get_logger(__name__)

# Seconds. What pods say changes without an event; an agent that is well is looked at for what a watch missed.
ASK_AGAIN = 5.0
LOOK_AGAIN = 300.0
REFUSED_AGAIN = 30.0


class Reconciler:
    """Called with a key, by one worker at a time for each key."""

    def __init__(
        self,
        api: Api,
        store: Store,
        config: Config,
        readiness: Readiness,
        users: RedisUsers | None = None,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._api = api
        self._store = store
        self._config = config
        self._readiness = readiness
        self._users = users
        self._applier = Applier(api, store)
        self._now = now
        self._jitter = jitter

    async def reconcile(self, key: Key) -> float | None:
        """Seconds until the next look; None when the agent is gone. Raises `ApiFailed` for what may pass by itself."""
        agent = self._store.agent(key)
        if agent is None:
            self._applier.forget(key)
            return None
        if agent["metadata"].get("deletionTimestamp"):
            return None  # its objects go with it, by their owner reference
        spec = effective(agent["spec"], self._config.agentDefaults)
        blocked, failed = await self._apply(agent, spec)
        seen = await self._observe(key, agent, spec, blocked)
        await self._report(agent, status(seen, self._config, self._now()))
        if failed is not None:
            raise failed
        return self._delay(seen)

    async def _apply(self, agent: Object, spec: Mapping[str, Any]) -> tuple[Finding | None, ApiFailed | None]:
        """What stands in the way, for the status; and the failure that is worth another try soon."""
        if found := blocking(agent, spec, self._config):
            return found, None
        if self._users is not None:
            await self._users.ensure(Key(agent["metadata"]["namespace"], agent["metadata"]["name"]))
        try:
            await self._applier.apply(agent, render(agent, self._config))
        except NotOurs as taken:
            return Finding("NameTaken", str(taken)), None
        except Leaving as leaving:
            return Finding("Replacing", str(leaving), failing=False), None
        except ApiFailed as failed:
            if failed.refused:
                return Finding("Refused", f"The API server refuses: {failed}"), None
            return None, failed
        return None, None

    async def _observe(self, key: Key, agent: Object, spec: Mapping[str, Any], blocked: Finding | None) -> Observed:
        deployment = self._store.get(DEPLOYMENT.name, key.namespace, object_name(key.name))
        unready = [pod for pod in self._store.pods(key) if not is_ready(pod)]
        said = await self._readiness.failing(unready) if unready else {}
        return Observed(
            agent=agent,
            spec=spec,
            deployment=deployment,
            pods=diagnose_pods(unready, said, deployment, self._now()),
            blocked=blocked,
            warnings=tuple(self._missing_tools(key, agent)),
        )

    def _missing_tools(self, key: Key, agent: Object) -> list[Finding]:
        missing = [name for name in tools(agent) if self._store.agent(Key(key.namespace, name)) is None]
        if not missing:
            return []
        names = ", ".join(missing)
        return [
            Finding("AgentNotFound", f"spec.tools: there is no TalkAgent {names}; the tool fails until there is one.")
        ]

    async def _report(self, agent: Object, wanted: Object) -> None:
        before: Object = agent.get("status") or {}
        if before == wanted:
            return
        meta = agent["metadata"]
        try:
            made = await self._api.apply_status(meta["namespace"], meta["name"], wanted)
        except ApiFailed as failed:
            if failed.code == 404:
                return  # deleted meanwhile
            raise
        self._store.put(made)
        for each in transitions(before, wanted):
            kind = "Warning" if is_warning(each) else "Normal"
            log.info("condition", agent=str(Key(meta["namespace"], meta["name"])), type=each.type, reason=each.reason)
            await self._tell(agent, kind, each.reason, each.message)

    async def _tell(self, agent: Object, kind: str, reason: str, message: str) -> None:
        """Posts an Event. One that cannot be posted is not worth another reconciliation."""
        try:
            await self._api.event(agent, kind, reason, message)
        except ApiFailed as failed:
            log.info("event_not_posted", reason=reason, detail=str(failed)[:200])

    def _delay(self, seen: Observed) -> float:
        if seen.blocked:
            return REFUSED_AGAIN if seen.blocked.failing else ASK_AGAIN
        waits = seen.pods is not None and not seen.spec.get("suspend")
        return ASK_AGAIN if waits else LOOK_AGAIN * (0.75 + self._jitter() / 2)
