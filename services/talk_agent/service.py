"""One agent, put together: model, tools, sessions, runner, turns, checks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from google.adk.models.base_llm import BaseLlm
from prometheus_client import CollectorRegistry

from talk_agent.dependencies import Dependencies
from talk_agent.metrics import AgentMetrics, metrics
from talk_agent.models.build import build_model, chain_probe, endpoints
from talk_agent.readiness import Instruction, model_check, references_check, sessions_check
from talk_agent.runtime import APP_NAME, build_runner, quiet_adk
from talk_agent.sessions.build import build_sessions, open_sessions
from talk_agent.sessions.lock import LocalTurnLock
from talk_agent.sessions.memory import MemorySessionStore
from talk_agent.sessions.port import SessionStore, TurnLock
from talk_agent.sessions.redis_figures import watching_redis
from talk_agent.sessions.staging import StagingSessionService
from talk_agent.settings import Settings
from talk_agent.slots import Slots
from talk_agent.tools.agent_tool import AgentTool
from talk_agent.tools.directory import AgentDirectory
from talk_agent.turn import Engine, TurnLimits, Turns
from talk_agent.warmup import warm_up
from talk_kit.drain import Drain
from talk_kit.health import Health
from talk_kit.http_client import HttpPool
from talk_kit.talkagent import LimitsSpec

# The first turn of a process does what no later one does; on a busy node it may take longer than a turn may.
WARM_UP_SECONDS = 60.0


class Service:
    """All parts of an agent pod behind its routes. Nothing runs before `running`."""

    def __init__(self, settings: Settings, deps: Dependencies) -> None:
        quiet_adk()
        self._settings = settings
        self._deps = deps
        self.agent = deps.agent
        self._pool = deps.pool or HttpPool()
        self._metrics = metrics()
        self._tools = self._agent_tools()
        spec = deps.agent.spec
        self.store, self.lock = build_sessions(settings, deps.agent)
        if deps.store is not None:
            self.store, self.lock = deps.store, LocalTurnLock(wait=settings.session_wait)
        model = build_model(
            spec.models,
            pool=self._pool,
            secret=deps.references.secret,
            default_key=settings.defaults().api_key,
            on_retry=lambda target: self._metrics.retries.labels(self.agent.name, target).inc(),
        )
        self._metrics.watch_endpoints(self.agent.name, [endpoint.guard for endpoint in endpoints(model)])
        self.turns = self._turns(model, self.store, self.lock, self._metrics, spec.limits)
        self.health = Health(
            [
                model_check(chain_probe(model), self._metrics.llm_reachable.labels(self.agent.name)),
                references_check(spec, deps.references),
                sessions_check(spec.session, self.store),
            ]
        )
        self.drain = Drain(self.health, delay=settings.endpoint_delay, seconds=spec.drain_seconds)
        self._metrics.prepare(self.agent.name, (tool.name for tool in self._tools))
        self._metrics.turns_limit.labels(self.agent.name).set(spec.limits.concurrent_turns)
        self._metrics.ready.labels(self.agent.name).set_function(lambda: self.health.ready)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Warm within the block: imports done, one turn played, garbage collected. Ready as soon as the checks are."""
        async with self._pool:
            await warm_up(self._warm_up_turns)
            self._deps.settle()
            redis = watching_redis(self._settings.redis())
            async with open_sessions(self.store), redis, self.health.running(), self.drain.of(self.turns):
                self.health.started = True
                yield

    def _warm_up_turns(self, model: BaseLlm) -> Turns:
        store = MemorySessionStore(ttl=60.0, max_sessions=1, kept_turns=1)
        limits = replace(self.agent.spec.limits, run_timeout=WARM_UP_SECONDS)
        return self._turns(model, store, LocalTurnLock(wait=0.0), AgentMetrics(CollectorRegistry()), limits)

    def _turns(
        self, model: BaseLlm, store: SessionStore, lock: TurnLock, counted: AgentMetrics, limits: LimitsSpec
    ) -> Turns:
        spec = self.agent.spec
        staging = StagingSessionService(APP_NAME)
        return Turns(
            Engine(
                agent=self.agent.name,
                instruction=Instruction(spec, self._deps.references),
                runner=build_runner(
                    agent=self.agent.name, model=model, tools=self._tools, staging=staging, metrics=counted
                ),
                staging=staging,
                store=store,
                lock=lock,
                slots=Slots(limits.concurrent_turns),
                limits=TurnLimits(limits.run_timeout, limits.llm_calls, spec.session.recent_turns),
                metrics=counted,
            )
        )

    def _agent_tools(self) -> list[AgentTool]:
        directory = AgentDirectory(self._deps.descriptions, pool=self._pool, gateway_url=self._settings.gateway_url)
        return [
            AgentTool(
                caller=self.agent.name,
                agent=tool.agent,
                namespace=self._settings.agent_namespace,
                pool=self._pool,
                gateway_url=self._settings.gateway_url,
                directory=directory,
            )
            for tool in self.agent.spec.tools
        ]
