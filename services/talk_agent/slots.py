"""How many turns run at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from talk_kit.errors import RateLimited


class Slots:
    """A bound on turns that run; one more is refused at once rather than kept waiting."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.taken = 0

    @contextmanager
    def take(self) -> Iterator[None]:
        """One slot for the block; RateLimited when all are taken."""
        if self.taken >= self.size:
            raise RateLimited(f"This agent already runs {self.size} turns at once. Try again soon.")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1
