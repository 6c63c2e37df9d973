"""What the agent needs of a session store. A turn is read once and written once.

A turn's whole outcome (its events, its state, later the record of its idempotency key) goes into one append that
names the version it was read at: nothing is stored of a turn that failed before its first word, no reader ever
sees half a turn, and a writer that lost its turn cannot overwrite another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from google.adk.events.event import Event

Turn = tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was stored when it was read: the latest turns, oldest first, each whole; the state; the version."""

    turns: tuple[Turn, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0

    @property
    def events(self) -> list[Event]:
        """All events in order. A tool's result is never parted from its call: they are of one turn."""
        return [event for turn in self.turns for event in turn]


@dataclass(frozen=True, slots=True)
class Append:
    """One turn to store: what was said, and the state's changed keys."""

    turn: Turn
    state: Mapping[str, Any] = field(default_factory=dict)


class SessionStore(Protocol):
    """Where conversations are kept. A session id alone names one: without authentication it is the user, too."""

    async def load(self, session_id: str, recent_turns: int) -> Conversation:
        """The conversation with at most so many turns; an unknown session is an empty one at version 0."""
        ...

    async def append(self, session_id: str, turn: Append, *, version: int) -> int:
        """Stores a turn that was begun at `version` and returns the next. SessionBusy when another came between."""
        ...

    async def check(self) -> None:
        """Returns when the store can be reached, else raises Unavailable with a sentence for `/ready`."""
        ...

    def count(self) -> int:
        """Sessions held, for metrics."""
        ...


class TurnLock(Protocol):
    """One turn per session at a time."""

    def hold(self, session_id: str) -> AbstractAsyncContextManager[None]:
        """Waits for the turns before this one, in order of arrival; SessionBusy when they take too long."""
        ...
