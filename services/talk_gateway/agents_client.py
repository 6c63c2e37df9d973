"""One turn of an agent, over its own API: at the pod with the fewest turns, and at another one where that is safe."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson

from talk_gateway import metrics
from talk_gateway.directory import Agent
from talk_kit import deadline
from talk_kit.errors import (
    AgentNotReady,
    DeadlineExceeded,
    Draining,
    OutOfTime,
    ProviderFailed,
    ProviderUnreachable,
    RateLimited,
    TalkError,
    from_code,
)
from talk_kit.events import TurnCompleted, TurnEvent, TurnFailed
from talk_kit.http_client import CONNECT_SECONDS, HttpPool
from talk_kit.logs import get_logger
from talk_kit.sse import read_turn

log = get_logger(__name__)

# Three times the agent's heartbeat: silence for longer means that it is gone.
IDLE_SECONDS = 45.0
ATTEMPTS = 3
# Where another pod is left to ask, one that does not accept a connection within this is given up (seconds).
CONNECT_SECONDS_OF_SEVERAL = 1.5


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """What an agent is asked. `headers` go with it: the idempotency key and the path of calling agents."""

    session_id: str
    message: str
    headers: dict[str, str] = field(default_factory=dict)


class _NotBegun(Exception):
    """The turn cannot have begun at that pod, so that another one may be asked. `error` is what the caller learns."""

    def __init__(self, error: TalkError) -> None:
        super().__init__(error.detail)
        self.error = error


class _Sent:
    """Whether the whole request has left; a turn begins no sooner, since its agent reads all of it first."""

    def __init__(self) -> None:
        self.whole = False

    async def trace(self, event: str, _info: Any) -> None:
        """httpcore's trace extension."""
        if event.endswith("send_request_body.complete"):
            self.whole = True


async def agent_turn(pool: HttpPool, agent: Agent, request: TurnRequest) -> AsyncGenerator[TurnEvent, None]:
    """The events of the turn as the agent sends them, ending with its one ending.

    A turn that was refused as draining or for want of a place, or never sent, goes to another pod, up to three in all;
    nothing is repeated that may have begun. Raises what the agent refused the turn with, AgentNotReady where none can
    be reached, CircuitOpen where none may be asked, OutOfTime at the request's deadline, and ProviderFailed where it
    broke off. Closing the generator closes the connection, and with it the turn.
    """
    metrics.watch_breaker(metrics.agent_target(agent.name), lambda: agent.pods.state)
    tried: set[str] = set()
    failed: TalkError = AgentNotReady(f"The agent {agent.name} is not ready: {agent.reason}")
    agent.pods.require()
    while len(tried) < ATTEMPTS:
        with agent.pods.turn(tried) as url:
            if url is None:
                break
            tried.add(url)
            try:
                async with aclosing(_turn_at(pool, url, agent, request, alone=not agent.pods.others(tried))) as events:
                    async for event in events:
                        yield event
                return
            except _NotBegun as refused:
                failed = refused.error
                if not isinstance(failed, RateLimited):
                    agent.pods.set_aside(url)
                metrics.turns_moved.labels(failed.code).inc()
                log.info("turn_not_begun", agent_name=agent.name, pod=url, reason=failed.code, tried=len(tried))
    raise failed


async def _turn_at(
    pool: HttpPool, url: str, agent: Agent, request: TurnRequest, *, alone: bool
) -> AsyncGenerator[TurnEvent, None]:
    """The turn at one pod. `_NotBegun` is raised before the first event only."""
    sent, refused = _Sent(), None
    try:
        # What the agent itself refuses or fails with says that the pod is well; it is raised outside.
        with agent.pods.guard(url).call() as call:
            async with _asked(pool, url, agent, request, sent, alone=alone) as response:
                call.answered()
                if response.status_code == 200:
                    async with aclosing(_events(response, agent)) as events:
                        async for event in events:
                            if isinstance(event, TurnCompleted | TurnFailed):
                                call.succeeded()
                            yield event
                else:
                    refused = await _refusal(response)
    except OutOfTime:
        raise
    except (ProviderUnreachable, ProviderFailed, DeadlineExceeded) as error:
        if isinstance(error, DeadlineExceeded):
            metrics.timeouts.labels("agent").inc()
        if sent.whole:
            raise
        unreachable = AgentNotReady(f"The agent {agent.name} cannot be reached; it may be starting.")
        raise _NotBegun(unreachable) from error
    if isinstance(refused, Draining | RateLimited):
        raise _NotBegun(refused)
    if refused is not None:
        raise refused


def _asked(
    pool: HttpPool, url: str, agent: Agent, request: TurnRequest, sent: _Sent, *, alone: bool
) -> AbstractAsyncContextManager[httpx.Response]:
    return pool.stream(
        "POST",
        f"{url}/v1/agents/{agent.own_name}/chat",
        target=f"The agent {agent.name}",
        headers={
            "Accept": "text/event-stream",
            "Content-Type": "application/json",
            **request.headers,
            **deadline.outgoing_headers(),
        },
        content=orjson.dumps({"session_id": request.session_id, "message": request.message}),
        connect=CONNECT_SECONDS if alone else CONNECT_SECONDS_OF_SEVERAL,
        idle=IDLE_SECONDS,
        extensions={"trace": sent.trace},
    )


async def _events(response: httpx.Response, agent: Agent) -> AsyncGenerator[TurnEvent, None]:
    """The events, up to the ending. ProviderFailed where there is none."""
    async with aclosing(deadline.kept(read_turn(response.aiter_bytes()))) as events:
        async for event in events:
            yield event
            if isinstance(event, TurnCompleted | TurnFailed):
                return
    raise ProviderFailed(f"The agent {agent.name} broke off in the middle of its answer.")


async def _refusal(response: httpx.Response) -> TalkError:
    """The agent's problem document as the error it stands for. Raises ProviderFailed for an answer that is none."""
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
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ProviderFailed("The agent refused the turn without a reason that can be read.") from error
