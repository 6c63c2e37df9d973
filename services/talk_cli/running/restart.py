"""When a process that ended is started again. Pure: the caller measures how long it lived."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class RestartPolicy:
    """Seconds. The wait doubles with each failure in a row, up to `most`; one that lived `stable` begins anew.

    A process that was never ready and failed `tries` times in a row will not do better: the start has failed.
    """

    first: float = 0.5
    most: float = 15.0
    stable: float = 30.0
    tries: int = 3


@dataclass(frozen=True)
class Failures:
    """What is remembered of one process."""

    in_a_row: int = 0
    was_ready: bool = False

    def ready(self) -> Failures:
        """It took requests once: from now on it is restarted for ever."""
        return replace(self, was_ready=True)

    def after(self, lived: float, policy: RestartPolicy) -> Failures:
        """It ended after so many seconds."""
        return replace(self, in_a_row=1 if lived >= policy.stable else self.in_a_row + 1)

    def wait(self, policy: RestartPolicy) -> float:
        """Seconds until the next start."""
        return min(policy.most, policy.first * 2.0 ** min(max(self.in_a_row - 1, 0), 32))

    def hopeless(self, policy: RestartPolicy) -> bool:
        """Whether another start is in vain."""
        return not self.was_ready and self.in_a_row >= policy.tries
