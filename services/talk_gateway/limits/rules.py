"""Limits as values, and the headers that tell of them. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

MINUTE, DAY = 60, 86_400


@dataclass(frozen=True, slots=True)
class Rule:
    """At most `amount` in any `seconds`, of one `subject`. `kind` names the rule, for metrics and headers."""

    kind: str
    subject: str
    amount: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule stands: what is left, and in how many seconds there is more."""

    rule: Rule
    left: int
    reset: float


def headers(standings: Sequence[Standing]) -> dict[str, str]:
    """`RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers), one item a rule."""
    if not standings:
        return {}
    policies = [f'"{s.rule.kind}";q={s.rule.amount};w={s.rule.seconds}' for s in standings]
    states = [f'"{s.rule.kind}";r={max(0, s.left)};t={max(0, math.ceil(s.reset))}' for s in standings]
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(states)}
