"""Agents whose names and addresses were given at start; whether each is ready is asked in the background."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import orjson

from talk_gateway.directory.agent import Agent
from talk_gateway.directory.table import AgentTable
from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import TalkError
from talk_kit.health import Check
from talk_kit.http_client import HttpPool
from talk_kit.logs import get_logger

log = get_logger(__name__)

POLL_SECONDS = 5.0
POLL_TIMEOUT_SECONDS = 3.0


class StaticDirectory(AgentTable):
    """The agents of TALK_AGENTS. An address that is not ready is still tried, after those that are."""

    def __init__(self, agents: Iterable[Agent], default_agent: str = "") -> None:
        super().__init__(default_agent)
        self._by_name = {agent.name: agent for agent in agents}

    def checks(self) -> list[Check]:
        """None: an ADR says why the gateway is ready without its agents."""
        return []

    @asynccontextmanager
    async def running(self, pool: HttpPool) -> AsyncIterator[None]:
        """Asks the `/ready` of each address every five seconds inside this block."""
        tasks = [asyncio.create_task(_poll(agent, pool), name=f"poll-{agent.name}") for agent in self.agents()]
        try:
            yield
        finally:
            await cancel_and_wait(*tasks)


async def _poll(agent: Agent, pool: HttpPool) -> None:
    urls = agent.pods.urls
    while True:
        before = agent.ready
        answers = await asyncio.gather(*(_readiness(url, pool) for url in urls))
        ready = [url for url, (well, _) in zip(urls, answers, strict=True) if well]
        agent.pods.offer(ready, urls)
        agent.ready = bool(ready)
        agent.reason = "ok" if ready else answers[0][1]
        if agent.ready != before:
            log.info("agent_changed", agent_name=agent.name, ready=agent.ready, reason=agent.reason)
        # A starting agent is asked more often: the page of a laptop waits for it.
        await asyncio.sleep(POLL_SECONDS if len(ready) == len(urls) else POLL_SECONDS / 5)


async def _readiness(url: str, pool: HttpPool) -> tuple[bool, str]:
    try:
        async with asyncio.timeout(POLL_TIMEOUT_SECONDS):
            answer = await pool.request("GET", f"{url}/ready", target="The agent", max_bytes=1 << 16)
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
