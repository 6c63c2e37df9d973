"""The limiter that the settings ask for."""

from __future__ import annotations

from talk_gateway.limits.counters import Counters, MemoryCounters, RedisCounters
from talk_gateway.limits.limiter import Limiter, Limits
from talk_gateway.limits.settings import LimitSettings


def build_limiter(settings: LimitSettings, place_seconds: float) -> Limiter:
    """Counting in Redis where one is configured, for all gateways together; else in this process."""
    address = settings.redis()
    counters: Counters = RedisCounters(address) if address else MemoryCounters()
    limits = Limits(
        requests_per_minute=settings.limit_requests,
        concurrent_turns=settings.limit_turns,
        tokens_per_day=settings.limit_tokens,
        ip_requests_per_minute=settings.limit_ip_requests,
        agent_requests_per_minute=settings.limit_agent_requests,
        agent_tokens_per_day=settings.limit_agent_tokens,
        fail_open=settings.limit_fail == "open",
        place_seconds=place_seconds,
    )
    return Limiter(limits, counters)
