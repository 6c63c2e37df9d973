"""One turn of an agent, over its own API."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field

import httpx
import orjson

from talk_gateway.directory import Agent
from talk_kit.errors import AgentNotReady, ProviderFailed, ProviderUnreachable, TalkError, from_code
from talk_kit.events import TurnCompleted, TurnEvent, TurnFailed
from talk_kit.http_client import HttpPool
from talk_kit.sse import read_turn

# Three times the agent's heartbeat: silence for longer means that it is gone.
IDLE_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What an agent is asked. `headers` go with it: the idempotency key and the path of calling agents."""

    session_id: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)


async def agent_turn(pool: HttpPool, agent: Agent, request: TurnRequest) -> AsyncGenerator[TurnEvent, None]:
    """The events of the turn as the agent sends them, ending with its one ending.

    Raises what the agent refused the turn with, AgentNotReady where it cannot be reached, and ProviderFailed
    where it broke off. Closing the generator closes the connection, and with it the turn.
    """
    url = f"{agent.url}/v1/agents/{agent.name}/chat"
    body = orjson.dumps({"session_id": request.session_id, "message": request.message})
    headers = {"Accept": "text/event-stream", "Content-Type": "application/json", **request.headers}
    try:
        async with pool.stream(
            "POST", url, target=f"The agent {agent.name}", headers=headers, content=body, idle=IDLE_SECONDS
        ) as response:
            if response.status_code != 200:
                raise await _refusal(response)
            async with aclosing(read_turn(response.aiter_bytes())) as events:
                async for event in events:
                    yield event
                    if isinstance(event, TurnCompleted | TurnFailed):
                        return
    except ProviderUnreachable as error:
        raise AgentNotReady(f"The agent {agent.name} cannot be reached; it may be starting.") from error
    raise ProviderFailed(f"The agent {agent.name} broke off in the middle of its answer.")


async def _refusal(response: httpx.Response) -> TalkError:
    """The agent's problem document as the error it stands for."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > 1 << 16:
            break
    try:
        problem = orjson.loads(bytes(body))
        retry_after = response.headers.get("retry-after", "")
        return from_code(
            str(problem["code"]),
            str(problem["detail"]),
            retry_after=float(retry_after) if retry_after.isdecimal() else None,
        )
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ProviderFailed("The agent refused the turn without a reason that can be read.")
