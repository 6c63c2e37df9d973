"""The agents of a cluster: TalkAgents and the pods behind them, as the Kubernetes API tells them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from lightkube.config.kubeconfig import SingleConfig

from talk_gateway.directory.agent import Agent
from talk_gateway.directory.client import PACE_SECONDS, connect
from talk_gateway.directory.cluster import Cluster, Kind, Seen
from talk_gateway.directory.facts import Json, Key
from talk_gateway.directory.pods import Pods
from talk_gateway.directory.table import AgentTable
from talk_gateway.directory.watch import Watch
from talk_kit.breaker import BreakerLimits
from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import AgentNotReady, ProviderUnreachable
from talk_kit.health import Check
from talk_kit.http_client import HttpPool
from talk_kit.logs import get_logger
from talk_kit.names import canonical_agent_name

log = get_logger(__name__)


class KubernetesDirectory(AgentTable):
    """Agents of `namespace` by their names, those of `watched` namespaces as `name.namespace`.

    Whether an agent can be asked is what its endpoints say; why it cannot, its Ready condition. While the API is
    away the last state serves. `default_voice` is what the `spec.voice` of agents leaves out. `pace` and `shorten`
    let tests wait less.
    """

    def __init__(
        self,
        config: SingleConfig,
        *,
        namespace: str = "",
        watched: Sequence[str] = (),
        default_agent: str = "",
        default_voice: Json | None = None,
        breaker_limits: BreakerLimits | None = None,
        pace: float = PACE_SECONDS,
        shorten: float = 1.0,
    ) -> None:
        super().__init__(default_agent)
        self._config = config
        self._pace = pace
        self._limits = breaker_limits
        self._namespace = namespace or config.namespace
        self._cluster = Cluster(default_voice or {})
        self._watches = [
            Watch(self._cluster, kind, each, self._update, shorten=shorten)
            for each in dict.fromkeys([self._namespace, *watched])
            for kind in Kind
        ]

    def resolve(self, name: str) -> Agent:
        """As of Directory; before the first list nothing is known, and so nothing is unknown."""
        if not self._synced:
            raise AgentNotReady("The Kubernetes API has not listed the agents yet.")
        # An agent of this namespace has one name; callers may spell it out as for any other namespace.
        return super().resolve(canonical_agent_name(name).removesuffix(f".{self._namespace}"))

    def checks(self) -> list[Check]:
        """Not ready before the first list: a new replica would say 503 to what the others answer. Later, only shown."""
        return [
            Check("directory", self._check_synced, delay=lambda ok: 5.0 if ok else 0.25),
            Check("kubernetes", self._check_watches, required=False),
        ]

    @asynccontextmanager
    async def running(self, pool: HttpPool) -> AsyncIterator[None]:  # noqa: ARG002 - pods are not asked, only watched
        """Watches inside this block."""
        client = connect(self._config, pace=self._pace)
        tasks = [asyncio.create_task(watch.run(client), name=f"watch-{watch.name}") for watch in self._watches]
        try:
            yield
        finally:
            await cancel_and_wait(*tasks)
            await client.close()

    @property
    def _synced(self) -> bool:
        return all(watch.synced for watch in self._watches if watch.namespace == self._namespace)

    async def _check_synced(self) -> None:
        if not self._synced:
            raise ProviderUnreachable("The Kubernetes API has not listed the agents yet.")

    async def _check_watches(self) -> None:
        failing = [f"{watch.name}: {watch.failure}" for watch in self._watches if watch.failure]
        if failing:
            raise ProviderUnreachable("The last known agents are served. " + " ".join(failing))

    def _update(self, changed: set[Key]) -> None:
        for key in changed:
            name = key.name if key.namespace == self._namespace else f"{key.name}.{key.namespace}"
            seen = self._cluster.agent(key)
            if seen is not None:
                self._show(name, key, seen)
            elif gone := self._by_name.pop(name, None):
                gone.pods.offer(())
                log.info("agent_gone", agent_name=name)

    def _show(self, name: str, key: Key, seen: Seen) -> None:
        known = self._by_name.get(name)
        agent = known or Agent(name, Pods(limits=self._limits), own_name=key.name)
        before = (agent.ready, agent.reason)
        agent.description, agent.voice = seen.description, seen.voice
        agent.requests_per_minute = seen.requests_per_minute
        agent.pods.offer(seen.preferred, seen.spare)
        agent.ready, agent.reason = not seen.reason, seen.reason or "ok"
        self._by_name[name] = agent
        if known is None or (agent.ready, agent.reason) != before:
            log.info("agent_changed", agent_name=name, ready=agent.ready, reason=agent.reason)
