"""What plugins and tools may know of the turn that they serve."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunContext:
    """The turn's session, the agents whose calls led here (the first one first), the instruction as it was when the
    turn began, and the turn's end in event loop seconds.
    """

    session_id: str
    call_path: tuple[str, ...]
    instruction: str
    deadline: float


current_run: ContextVar[RunContext] = ContextVar("talk_agent_run")
