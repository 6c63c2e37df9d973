"""What one request may use. Counting is bounded, and a Redis that is away decides nothing that the settings do not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from redis.exceptions import RedisError

from talk_gateway import metrics
from talk_gateway.auth import Caller
from talk_gateway.directory import Agent
from talk_gateway.limits.counters import Counters
from talk_gateway.limits.rules import DAY, MINUTE, Rule, Standing
from talk_gateway.voice_turn import VoiceEvent
from talk_kit.errors import RateLimited, Unavailable
from talk_kit.events import TurnCompleted
from talk_kit.logs import get_logger
from talk_kit.names import new_id

log = get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

# How long nobody asks again after a count did not come (seconds).
PAUSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Defaults of the deployment; 0 is no bound. `fail_open` lets requests in while nothing can be counted.

    `place_seconds` is longer than any turn: a place of a gateway that died is free again after it. `count_seconds` is
    how long one count may take, before a turn's first word.
    """

    requests_per_minute: int = 0
    concurrent_turns: int = 0
    tokens_per_day: int = 0
    ip_requests_per_minute: int = 0
    agent_requests_per_minute: int = 0
    agent_tokens_per_day: int = 0
    fail_open: bool = True
    place_seconds: float = 300.0
    count_seconds: float = 0.1


class Limiter:
    """Limits of a gateway. Callers are counted by name; without one only addresses and agents are."""

    def __init__(self, limits: Limits, counters: Counters) -> None:
        self._limits = limits
        self._counters = counters
        self._away_until = 0.0

    async def request(self, address: str, told: list[Standing]) -> None:
        """One request from an address. `told` gets how its limit stands. RateLimited where it has no more."""
        amount = self._limits.ip_requests_per_minute
        if amount and address:
            await self._hit(Rule("ip", address, amount, MINUTE), told)

    @asynccontextmanager
    async def turn(self, caller: Caller, agent: Agent, told: list[Standing]) -> AsyncIterator[None]:
        """A turn for the block. `told` gets how its limits stand. RateLimited where one is reached.

        An agent that asks another one in its caller's name takes no second place: the first turn waits for it.
        """
        direct = bool(caller.name) and caller.via is None
        await self._budgets(caller, agent)
        most = _chosen(caller.limits.concurrent_turns, self._limits.concurrent_turns) if direct else 0
        async with self._place(caller.name, most):
            for rule in self._rates(caller, agent, direct=direct):
                await self._hit(rule, told)
            yield

    async def charged(
        self, events: AsyncGenerator[VoiceEvent, None], caller: Caller, agent: Agent
    ) -> AsyncGenerator[VoiceEvent, None]:
        """The same events; what a completed turn used is taken from the budgets of caller and agent."""
        async with aclosing(events) as inner:
            async for event in inner:
                if isinstance(event, TurnCompleted):
                    tokens = sum(event.usage.get(name, 0) for name in ("input_tokens", "output_tokens"))
                    for rule in self._token_rules(caller, agent) if tokens > 0 else ():
                        await self._count(self._counters.use, rule, tokens)
                yield event

    async def close(self) -> None:
        """Lets go of what counts."""
        await self._counters.close()

    def _rates(self, caller: Caller, agent: Agent, *, direct: bool) -> list[Rule]:
        own = _chosen(caller.limits.requests_per_minute, self._limits.requests_per_minute) if direct else 0
        rate = agent.requests_per_minute or self._limits.agent_requests_per_minute
        rules = [Rule("caller", caller.name, own, MINUTE), Rule("agent", agent.name, rate, MINUTE)]
        return [rule for rule in rules if rule.amount]

    def _token_rules(self, caller: Caller, agent: Agent) -> list[Rule]:
        own = _chosen(caller.limits.tokens_per_day, self._limits.tokens_per_day) if caller.name else 0
        rules = [
            Rule("tokens", caller.name, own, DAY),
            Rule("agent-tokens", agent.name, self._limits.agent_tokens_per_day, DAY),
        ]
        return [rule for rule in rules if rule.amount]

    async def _budgets(self, caller: Caller, agent: Agent) -> None:
        for rule in self._token_rules(caller, agent):
            found = await self._count(self._counters.used, rule)
            if found is not None and found[0] >= rule.amount:
                raise _limited(rule.kind, f"The {rule.amount} tokens of the day are used up.", found[1])

    async def _hit(self, rule: Rule, told: list[Standing]) -> None:
        found = await self._count(self._counters.hit, rule)
        if found is None:
            return
        let, standing = found
        told.append(standing)
        if not let:
            raise _limited(rule.kind, f"More than {rule.amount} requests a minute.", standing.reset)

    @asynccontextmanager
    async def _place(self, subject: str, most: int) -> AsyncIterator[None]:
        token = new_id()
        let = (
            await self._count(self._counters.enter, subject, most, token, self._limits.place_seconds) if most else None
        )
        if let is False:
            raise _limited("turns", f"{most} turns of this caller run already.", 1.0)
        try:
            yield
        finally:
            if let:
                await self._give_back(subject, token)

    async def _give_back(self, subject: str, token: str) -> None:
        """One that cannot be given back ends by itself."""
        try:
            async with asyncio.timeout(self._limits.count_seconds):
                await self._counters.leave(subject, token)
        except (RedisError, OSError, TimeoutError) as error:
            log.info("place_not_given_back", kind=type(error).__name__)

    async def _count(self, count: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """The answer of a count, or None where there is none and requests are let in without. Else Unavailable."""
        clock = asyncio.get_running_loop().time
        if clock() >= self._away_until:
            try:
                async with asyncio.timeout(self._limits.count_seconds):
                    return await count(*args, **kwargs)
            except (RedisError, OSError, TimeoutError) as error:
                self._away_until = clock() + PAUSE_SECONDS
                log.warning("limits_not_counted", kind=type(error).__name__)
        metrics.limits_unchecked.labels("let_in" if self._limits.fail_open else "refused").inc()
        if self._limits.fail_open:
            return None
        raise Unavailable("Limits cannot be checked now.", retry_after=PAUSE_SECONDS)


def _chosen(own: int | None, default: int) -> int:
    return default if own is None else own


def _limited(kind: str, detail: str, seconds: float) -> RateLimited:
    metrics.requests_limited.labels(kind).inc()
    return RateLimited(detail, retry_after=max(1.0, seconds), extra={"limit": kind})
