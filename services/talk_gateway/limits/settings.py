"""The settings of limits: a part of the gateway's. 0 is no bound, which is the default on a laptop."""

from __future__ import annotations

from dataclasses import dataclass

from talk_gateway.limits.address import Network, networks
from talk_kit.redis_settings import RedisSettings
from talk_kit.settings import integer, one_of, setting

RATE = integer(0, 1_000_000)
BUDGET = integer(0, 10**12)


@dataclass(frozen=True, slots=True)
class LimitSettings(RedisSettings):
    """How much. The key of a caller and the spec of an agent may say other numbers."""

    limit_requests: int = setting(
        "TALK_LIMIT_REQUESTS_PER_MINUTE", 0, doc="Turns that one caller may begin in a minute.", parse=RATE
    )
    limit_turns: int = setting(
        "TALK_LIMIT_CONCURRENT_TURNS", 0, doc="Turns of one caller that may run at once.", parse=RATE
    )
    limit_tokens: int = setting(
        "TALK_LIMIT_TOKENS_PER_DAY", 0, doc="Tokens that one caller may use in 24 hours.", parse=BUDGET
    )
    limit_ip_requests: int = setting(
        "TALK_LIMIT_IP_REQUESTS_PER_MINUTE",
        0,
        doc="Requests under /v1/ that one address may send in a minute, with and without credentials.",
        parse=RATE,
    )
    limit_agent_requests: int = setting(
        "TALK_LIMIT_AGENT_REQUESTS_PER_MINUTE",
        0,
        doc="Turns that an agent takes in a minute, where its spec.limits.requestsPerMinute says nothing.",
        parse=RATE,
    )
    limit_agent_tokens: int = setting(
        "TALK_LIMIT_AGENT_TOKENS_PER_DAY", 0, doc="Tokens that one agent may use in 24 hours.", parse=BUDGET
    )
    limit_fail: str = setting(
        "TALK_LIMIT_FAIL",
        "open",
        doc="While Redis is away: `open` lets requests in uncounted, `closed` answers 503.",
        parse=one_of("open", "closed"),
    )
    trusted_proxies: tuple[Network, ...] = setting(
        "TALK_TRUSTED_PROXIES",
        (),
        doc="Addresses (CIDRs) of proxies whose X-Forwarded-For is believed, hop by hop from the right.",
        parse=networks,
    )
