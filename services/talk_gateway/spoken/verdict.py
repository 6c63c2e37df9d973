"""What the readers of a reply say about one place in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto


class Kind(Enum):
    GO_ON = auto()
    CUT = auto()
    WAIT = auto()


@dataclass(frozen=True, slots=True)
class Verdict:
    """`at` counts from the start of the pending text.

    GO_ON: reading continues there, and nothing before it is a boundary. CUT: the piece ends there. WAIT: more text is
    needed; if none comes the piece ends there, and 0 says that nothing is finished. `protected`: what was passed over
    is one unit (code, a link, a formula) that a forced cut must not open.
    """

    kind: Kind
    at: int
    protected: bool = False


def go_on(at: int, *, protected: bool = False) -> Verdict:
    return Verdict(Kind.GO_ON, at, protected)


def cut(at: int) -> Verdict:
    return Verdict(Kind.CUT, at)


def wait(at: int = 0) -> Verdict:
    return Verdict(Kind.WAIT, at)
