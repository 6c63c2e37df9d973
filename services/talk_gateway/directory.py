"""Which agents there are, what they are called and where they listen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import TalkError, UnknownAgent
from talk_kit.http_client import HttpPool
from talk_kit.logs import get_logger
from talk_kit.names import canonical_agent_name

log = get_logger(__name__)

POLL_SECONDS = 5.0
POLL_TIMEOUT_SECONDS = 3.0
FALLBACK_DEFAULT = "assistant"
MODE_AGENT_DEFAULT = "travel-planner"


@dataclass(frozen=True, slots=True)
class AgentVoice:
    """How an agent hears and speaks; what is None is the provider's own default."""

    enabled: bool = True
    language: str | None = None
    transcription_model: str | None = None
    speech_model: str | None = None
    speech_voice: str | None = None


@dataclass(slots=True)
class Agent:
    """One agent as the gateway knows it. `url` is the base of its own API, without a trailing slash."""

    name: str
    url: str
    description: str = ""
    voice: AgentVoice = field(default_factory=AgentVoice)
    ready: bool = False
    reason: str = "not asked yet"

    def listed(self) -> dict[str, Any]:
        """The agent as `GET /v1/agents` shows it."""
        members = {
            "name": self.name,
            "description": self.description,
            "ready": self.ready,
            "voice": self.voice.enabled,
            "languages": [self.voice.language] if self.voice.language else [],
        }
        return members if self.ready else {**members, "reason": self.reason}


class Directory(Protocol):
    """The agents of this gateway: from files and settings on a laptop, from a watch in a cluster."""

    def resolve(self, name: str) -> Agent:
        """The agent of that name in either spelling, or UnknownAgent with the known ones."""

    def default(self, mode: str) -> Agent:
        """The agent of a request that names none."""

    def agents(self) -> list[Agent]:
        """All of them, by name."""


class StaticDirectory:
    """Agents whose names and addresses were given at start; whether each is ready is asked in the background."""

    def __init__(self, agents: Iterable[Agent], default_agent: str = "") -> None:
        self._agents: Mapping[str, Agent] = {agent.name: agent for agent in sorted(agents, key=lambda a: a.name)}
        self._default = canonical_agent_name(default_agent)

    def resolve(self, name: str) -> Agent:
        agent = self._agents.get(canonical_agent_name(name))
        if agent is None:
            raise UnknownAgent(name[:64], list(self._agents))
        return agent

    def default(self, mode: str) -> Agent:
        if mode == "agent" and MODE_AGENT_DEFAULT in self._agents:
            return self._agents[MODE_AGENT_DEFAULT]
        if not self._default and FALLBACK_DEFAULT not in self._agents and len(self._agents) == 1:
            return next(iter(self._agents.values()))
        return self.resolve(self._default or FALLBACK_DEFAULT)

    def agents(self) -> list[Agent]:
        return list(self._agents.values())

    @asynccontextmanager
    async def polling(self, pool: HttpPool) -> AsyncIterator[None]:
        """Asks each agent's `/ready` every five seconds inside this block."""
        tasks = [asyncio.create_task(_poll(agent, pool), name=f"poll-{agent.name}") for agent in self.agents()]
        try:
            yield
        finally:
            await cancel_and_wait(*tasks)


async def _poll(agent: Agent, pool: HttpPool) -> None:
    while True:
        before = agent.ready
        agent.ready, agent.reason = await _readiness(agent, pool)
        if agent.ready != before:
            log.info("agent_changed", agent_name=agent.name, ready=agent.ready, reason=agent.reason)
        # A starting agent is asked more often: the page of a laptop waits for it.
        await asyncio.sleep(POLL_SECONDS if agent.ready else POLL_SECONDS / 5)


async def _readiness(agent: Agent, pool: HttpPool) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(POLL_TIMEOUT_SECONDS):
            answer = await pool.request("GET", f"{agent.url}/ready", target="The agent", max_bytes=1 << 16)
    except (TalkError, TimeoutError) as error:
        return False, error.detail if isinstance(error, TalkError) else "The agent did not answer in time."
    return answer.status_code == 200, _first_failing(answer.content)


def _first_failing(body: bytes) -> str:
    """The sentence of the first check that fails in a `/ready` body."""
    try:
        failing = [check for check in orjson.loads(body)["checks"] if not check["ok"]]
        return "; ".join(f"{check['name']}: {check['message']}" for check in failing) or "ok"
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return "The agent's answer to /ready cannot be read."
