"""Names of agents and of what they refer to."""

from __future__ import annotations

import re

LONGEST_NAME = 40
INTERNAL_PREFIXES = ("talk-internal-", "talkagent-")


def suggested_name(name: str) -> str | None:
    """The nearest legal name, or None when nothing is left of it."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_NAME].strip("-")
    return slug if slug and slug != name else None
