"""What plugins and tools may know of the turn that they serve."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from talk_kit.identity import HEADER


@dataclass(frozen=True, slots=True)
class RunContext:
    """The turn's session, the agents whose calls led here (the first one first), the instruction as it was when the
    turn began, and the gateway's word for whose turn it is.
    """

    session_id: str
    call_path: tuple[str, ...]
    instruction: str
    identity: str = field(default="", repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """The gateway's own word for whose turn this is, to hand back to it."""
        return {HEADER: self.identity} if self.identity else {}


current_run: ContextVar[RunContext] = ContextVar("talk_agent_run")
