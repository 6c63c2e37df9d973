"""Durations as Kubernetes and Go write them, within the units that Talk takes."""

from __future__ import annotations

import re

_PART = re.compile(r"([0-9]+(?:[.][0-9]+)?)(ms|s|m|h)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def seconds(text: str) -> float:
    """Seconds of `60s`, `1h30m`, `250ms`. Raises ValueError for anything else, a number without unit too."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{text!r} is no duration such as 60s or 24h")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
