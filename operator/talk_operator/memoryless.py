"""kopf's memory of objects, which it writes into their annotations: here it has none, and spends nothing on it.

What kopf would compare is computed anew for each event by copying the object, a third of an event's CPU.
"""

from __future__ import annotations

import copy
from typing import Any

import kopf


class NoDiffBase(kopf.DiffBaseStorage):
    """No last state: every event is looked at by itself."""

    def build(self, **_: Any) -> Any:
        """Nothing to compare."""
        return {}

    def fetch(self, **_: Any) -> Any:
        """Nothing was kept."""
        return None

    def store(self, **_: Any) -> None:
        """Keeps nothing."""


class NoProgress(kopf.ProgressStorage):
    """No progress of handlers: there are none that could be half done."""

    def fetch(self, **_: Any) -> Any:
        """Nothing was kept."""
        return None

    def store(self, **_: Any) -> None:
        """Keeps nothing."""

    def purge(self, **_: Any) -> None:
        """Has nothing to clear."""

    def touch(self, **_: Any) -> None:
        """Writes nothing."""

    def clear(self, *, essence: Any) -> Any:
        """As it came."""
        return copy.copy(essence)
