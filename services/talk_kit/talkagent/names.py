"""Names of agents and of what they refer to."""

from __future__ import annotations

import re

LONGEST_NAME = 40
# What the objects of an agent are called, before its name.
OBJECT_PREFIX = "talkagent-"
# Names that no TalkAgent may refer to begin so.
INTERNAL_PREFIXES = ("talk-internal-", OBJECT_PREFIX)
QUALIFIED = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"


def is_qualified(key: str) -> bool:
    """Whether Kubernetes takes it as the key of a label or an annotation, but for its length."""
    return re.fullmatch(QUALIFIED[1:-1], key) is not None


def suggested_name(name: str) -> str | None:
    """The nearest legal name, or None when nothing is left of it."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_NAME].strip("-")
    return slug if slug and slug != name else None
