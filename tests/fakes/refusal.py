"""For tests that throw anything at a parser: it may take it or refuse it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from talk_kit.errors import TalkError


@contextmanager
def may_refuse(*statuses: int) -> Iterator[None]:
    """The block succeeds, or raises a `TalkError` with one of these statuses; every other exception is a failure."""
    try:
        yield
    except TalkError as refused:
        if refused.status not in statuses:
            raise AssertionError(f"refused with {refused.status}: {refused.detail}") from refused
