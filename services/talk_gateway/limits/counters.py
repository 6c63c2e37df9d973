"""Counting, in this process or in Redis for all gateways together."""

from __future__ import annotations

import time
from collections import Counter as Counts
from typing import Any, Protocol

from limits import RateLimitItemPerSecond
from limits.aio.storage import MemoryStorage, Storage
from limits.aio.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from talk_gateway.limits.rules import Rule, Standing
from talk_kit.redis_address import RedisAddress

PREFIX = "talk:limit"
CONNECTIONS = 16


class Counters(Protocol):
    """What limits are counted with. Of Redis, each raises what redis-py does."""

    async def hit(self, rule: Rule) -> tuple[bool, Standing]:
        """Counts one, where there is one left."""
        ...

    async def used(self, rule: Rule) -> tuple[int, float]:
        """What is used of a budget, and the seconds until it begins anew."""
        ...

    async def use(self, rule: Rule, amount: int) -> None:
        """Takes so much from a budget, also where less is left: it is spent already."""
        ...

    async def enter(self, subject: str, most: int, token: str, seconds: float) -> bool:
        """Takes one of so many places for at most `seconds`; False where none is free."""
        ...

    async def leave(self, subject: str, token: str) -> None:
        """Gives the place back."""
        ...

    async def close(self) -> None:
        """Lets go of connections and tasks."""
        ...


class _Windows:
    """Requests in a moving window, which never lets more through than it says; budgets in a fixed one, which has room
    for any amount.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._moving = MovingWindowRateLimiter(storage)
        self._fixed = FixedWindowRateLimiter(storage)

    async def hit(self, rule: Rule) -> tuple[bool, Standing]:
        item, subject = _item(rule), rule.subject
        let = await self._moving.hit(item, rule.kind, subject)
        stats = await self._moving.get_window_stats(item, rule.kind, subject)
        return let, Standing(rule, stats.remaining, max(0.0, stats.reset_time - time.time()))

    async def used(self, rule: Rule) -> tuple[int, float]:
        key = _item(rule).key_for(rule.kind, rule.subject)
        used = await self._storage.get(key)
        ends = await self._storage.get_expiry(key)
        return int(used), max(1.0, ends - time.time())

    async def use(self, rule: Rule, amount: int) -> None:
        await self._fixed.hit(_item(rule), rule.kind, rule.subject, cost=amount)


class MemoryCounters(_Windows):
    """Of this process alone: for a laptop, and for one gateway."""

    def __init__(self) -> None:
        storage = MemoryStorage()
        super().__init__(storage)
        self._memory = storage
        self._inside: Counts[str] = Counts()

    async def enter(self, subject: str, most: int, token: str, seconds: float) -> bool:  # noqa: ARG002
        if self._inside[subject] >= most:
            return False
        self._inside[subject] += 1
        return True

    async def leave(self, subject: str, token: str) -> None:  # noqa: ARG002
        self._inside[subject] -= 1
        if self._inside[subject] <= 0:
            del self._inside[subject]

    async def close(self) -> None:
        if self._memory.timer is not None:
            self._memory.timer.cancel()


# A place is a member of a sorted set, by when it ends at the latest: a gateway that died gives its places back so.
_ENTER = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[2])
redis.call('EXPIRE', KEYS[1], math.ceil(tonumber(ARGV[3])) + 1)
return 1
"""


class RedisCounters(_Windows):
    """Of all gateways that share a Redis. Each count is one script, so that none is counted twice or lost."""

    def __init__(self, address: RedisAddress) -> None:
        from limits.aio.storage import RedisStorage
        from redis.asyncio import BlockingConnectionPool, Redis

        kind, options = address.options()
        # Waiting for a connection is within the caller's own bound.
        self._pool = BlockingConnectionPool(connection_class=kind, max_connections=CONNECTIONS, timeout=None, **options)
        made: Any = {"connection_pool": self._pool, "implementation": "redispy", "key_prefix": PREFIX}
        super().__init__(RedisStorage("async+redis://", **made))
        self._client = Redis(connection_pool=self._pool)
        self._enter = self._client.register_script(_ENTER)

    async def enter(self, subject: str, most: int, token: str, seconds: float) -> bool:
        return bool(await self._enter(keys=[_places(subject)], args=[most, token, seconds]))

    async def leave(self, subject: str, token: str) -> None:
        await self._client.zrem(_places(subject), token)

    async def close(self) -> None:
        await self._client.aclose()
        await self._pool.disconnect()


def _item(rule: Rule) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(rule.amount, rule.seconds, namespace="")


def _places(subject: str) -> str:
    return f"{PREFIX}:turns:{subject}"
