"""What a load has seen, and what that says. Pure: times are seconds since the load began."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

# Failures that a report names one by one.
MOST_FAILURES = 40
# Seconds, as JSON can say them.
NEVER = 1e9


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request. `code` is empty for a good end, else the error's, or what became of the connection."""

    form: str
    begun: float
    ended: float
    code: str = ""
    retryable: bool = True

    @property
    def ok(self) -> bool:
        return not self.code


@dataclass(slots=True)
class Turn:
    """One question and the attempts to have it answered. `reply` is None where the form does not tell it."""

    session: str
    question: str
    attempts: list[Attempt] = field(default_factory=list)
    reply: str | None = None

    @property
    def acknowledged(self) -> bool:
        return bool(self.attempts) and self.attempts[-1].ok

    def since(self, moment: float) -> list[Attempt]:
        """The attempts that ended after the moment."""
        return [attempt for attempt in self.attempts if attempt.ended >= moment]


@dataclass(frozen=True)
class Report:
    """A load in figures. `asked` has for each session its questions in order, and whether and with what each was
    answered.
    """

    sent: int
    failed: int
    retried_well: int
    given_up: int
    not_retryable: int
    codes: dict[str, int]
    slowest_failure: float
    late: int
    p50: float
    p95: float
    recovered_at: float | None
    failures: list[dict[str, Any]]
    asked: dict[str, list[tuple[str, bool, str | None]]]

    @classmethod
    def of(cls, turns: Sequence[Turn], began: float = 0.0, ended: float = 0.0) -> Report:
        """`began` and `ended` are those of a fault. What ended before it began is in `asked` only; a turn has failed
        where its caller saw an error, whatever became of its retries; `late` failures began after the fault's end.
        `recovered_at` is the first good end after the last failure that ended after the fault did: None where there
        was no such failure, NEVER where nothing went well after it.
        """
        seen = [(turn, turn.since(began)) for turn in turns if turn.since(began)]
        attempts = [attempt for _, each in seen for attempt in each]
        bad = [attempt for attempt in attempts if not attempt.ok]
        good = sorted(attempt.ended - attempt.begun for attempt in attempts if attempt.ok)
        failed = [turn for turn, each in seen if not all(attempt.ok for attempt in each)]
        asked: dict[str, list[tuple[str, bool, str | None]]] = defaultdict(list)
        for turn in turns:
            asked[turn.session].append((turn.question, turn.acknowledged, turn.reply))
        return cls(
            sent=len(seen),
            failed=len(failed),
            retried_well=sum(turn.acknowledged for turn in failed),
            given_up=sum(not turn.acknowledged for turn, _ in seen),
            not_retryable=sum(not attempt.retryable for attempt in bad),
            codes=dict(Counter(attempt.code for attempt in bad)),
            slowest_failure=max((attempt.ended - attempt.begun for attempt in bad), default=0.0),
            late=sum(attempt.begun > ended for attempt in bad),
            p50=_percentile(good, 0.50),
            p95=_percentile(good, 0.95),
            recovered_at=_recovered(attempts, ended),
            failures=[asdict(attempt) for attempt in sorted(bad, key=lambda each: each.begun)[:MOST_FAILURES]],
            asked=dict(asked),
        )


def _recovered(attempts: Iterable[Attempt], since: float) -> float | None:
    known = list(attempts)
    ends = [attempt.ended for attempt in known if not attempt.ok and attempt.ended >= since]
    if not ends:
        return None
    last = max(ends)
    return min((attempt.ended for attempt in known if attempt.ok and attempt.ended > last), default=NEVER)


def _percentile(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
