"""What plugins and tools may know of the turn that they serve."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunContext:
    """The turn's session, the agents whose calls led here (the first one first), and the instruction as it was when
    the turn began.
    """

    session_id: str
    call_path: tuple[str, ...]
    instruction: str


current_run: ContextVar[RunContext] = ContextVar("talk_agent_run")
