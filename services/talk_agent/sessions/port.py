"""What the agent needs of a session store. A turn is read once and written once.

A turn's whole outcome (its events, its state, the record of its idempotency key) goes into one append that names
the version it was read at: nothing is stored of a turn that failed before its first word, no reader ever sees half
a turn, and a writer that lost its turn cannot overwrite another's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from google.adk.events.event import Event

from talk_agent.sessions.idempotency import Answer

Turn = tuple[Event, ...]
# The same for a session that is not there and for one that is another caller's.
NOT_THERE = "No conversation is kept under this session id."


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was stored when it was read: the latest turns, oldest first, each whole; the state; the version.

    `answer` is what is kept under the idempotency key that was asked for. Where that is a cut turn, which a retry
    will replace, the turn is not among `turns`.
    """

    turns: tuple[Turn, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    version: int = 0
    answer: Answer | None = None

    @property
    def events(self) -> list[Event]:
        """All events in order. A tool's result is never parted from its call: they are of one turn."""
        return [event for turn in self.turns for event in turn]


@dataclass(frozen=True, slots=True)
class Append:
    """One turn to store: what was said, and the state's changed keys.

    `id` makes a repeated append harmless. `key` and `answer` are kept together, for later requests with that key;
    `replaces` is the cut turn that this one takes the place of.
    """

    turn: Turn
    state: Mapping[str, Any] = field(default_factory=dict)
    id: str = ""
    key: str = ""
    answer: Answer | None = None
    replaces: Answer | None = None


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """A stored session in a list: its id, and when it was made and last used, in seconds since 1970."""

    id: str
    created: float
    updated: float


class SessionStore(Protocol):
    """Where conversations are kept. `user` is whose: a caller, or nobody, and then each session is its own user."""

    async def claim(self, session_id: str, user: str) -> None:
        """Makes the session this user's, for its time to live. NotFound where it is another one's."""
        ...

    async def load(self, session_id: str, recent_turns: int, *, key: str = "", user: str = "") -> Conversation:
        """The conversation with at most so many turns; an unknown session is an empty one at version 0.

        `key` asks for the answer kept under that idempotency key.
        """
        ...

    async def append(self, session_id: str, turn: Append, *, version: int, fence: str = "", user: str = "") -> int:
        """Stores a turn that was begun at `version` and returns the next. SessionBusy when another came between,
        or when `fence`, the token of a lease, no longer holds the session.
        """
        ...

    async def sessions(self, user: str) -> Sequence[SessionSummary]:
        """One user's sessions, the one used last at the end."""
        ...

    async def delete(self, session_id: str, *, fence: str = "", user: str = "") -> bool:
        """Removes a session and all that is kept of it; whether there was one. SessionBusy as `append`."""
        ...

    async def check(self) -> None:
        """Returns when the store can be reached, else raises Unavailable with a sentence for `/ready`."""
        ...

    def count(self) -> int:
        """Sessions held, for metrics; as the latest `check` saw it where the store is shared."""
        ...

    async def close(self) -> None:
        """Lets go of connections."""
        ...


class TurnLock(Protocol):
    """One turn per session at a time."""

    def hold(self, session_id: str, user: str = "") -> AbstractAsyncContextManager[str]:
        """Waits for the turns before this one, in order of arrival; SessionBusy when they take too long.

        Gives the fence for `SessionStore.append`, or an empty one.
        """
        ...
