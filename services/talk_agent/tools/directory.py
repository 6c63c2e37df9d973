"""What other agents are for, in a sentence each: their models' callers read it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

import orjson

from talk_agent.run_context import current_run
from talk_kit.errors import TalkError
from talk_kit.http_client import HttpPool
from talk_kit.logs import get_logger

log = get_logger(__name__)

# Seconds: how long the gateway's list is believed, how soon a failed look-up is repeated, how long one may take.
# The last one delays a turn's first token, so it is short.
FRESH_SECONDS = 60.0
RETRY_SECONDS = 15.0
TIMEOUT_SECONDS = 1.0


class AgentDirectory:
    """Descriptions from the TalkAgents of the same file, else from the gateway's `GET /v1/agents`, when asked for."""

    def __init__(
        self,
        known: Mapping[str, str],
        *,
        pool: HttpPool,
        gateway_url: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known = dict(known)
        self._pool = pool
        self._gateway_url = gateway_url
        self._clock = clock
        self._asked: dict[str, str] = {}
        self._ask_again_at = 0.0
        self._lock = asyncio.Lock()

    async def description(self, agent: str) -> str | None:
        """The agent's description, or None where nobody knows one."""
        if agent in self._known:
            return self._known[agent] or None
        async with self._lock:
            if self._gateway_url and self._clock() >= self._ask_again_at:
                await self._ask(self._gateway_url)
        return self._asked.get(agent)

    async def _ask(self, gateway_url: str) -> None:
        self._ask_again_at = self._clock() + RETRY_SECONDS
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                run = current_run.get(None)
                headers = run.headers if run else {}
                answer = await self._pool.request(
                    "GET", f"{gateway_url}/v1/agents", target="The gateway", headers=headers
                )
            agents = orjson.loads(answer.content)["agents"]
            self._asked = {str(agent["name"]): str(agent.get("description") or "") for agent in agents}
        except (TalkError, TimeoutError, ValueError, LookupError, TypeError, AttributeError) as error:
            log.info("agent_descriptions_unknown", kind=type(error).__name__)
            return
        self._ask_again_at = self._clock() + FRESH_SECONDS
