"""One agent, put together: model, tools, sessions, runner, turns, checks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from google.adk.models.base_llm import BaseLlm
from prometheus_client import CollectorRegistry

from talk_agent.dependencies import Dependencies
from talk_agent.metrics import AgentMetrics, metrics
from talk_agent.models.build import build_model, chain_probe
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
        )
        self.turns = self._turns(model, self.store, self.lock, self._metrics)
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
        return self._turns(model, store, LocalTurnLock(wait=0.0), AgentMetrics(CollectorRegistry()))

    def _turns(self, model: BaseLlm, store: SessionStore, lock: TurnLock, counted: AgentMetrics) -> Turns:
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
                slots=Slots(spec.limits.concurrent_turns),
                limits=TurnLimits(spec.limits.run_timeout, spec.limits.llm_calls, spec.session.recent_turns),
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
