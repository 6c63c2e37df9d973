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

    @property
    def failed(self) -> bool:
        """Whether its caller saw an error, whatever became of its retries."""
        return not self.attempts[0].ok


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
    def of(cls, turns: Sequence[Turn], since: float = 0.0) -> Report:
        """`recovered_at` is the first good end after the last failure that ended after `since`; None where there was
        no failure, NEVER where nothing went well after it. `late` are the failures that began after `since`.
        """
        begun = [turn for turn in turns if turn.attempts]
        attempts = [attempt for turn in begun for attempt in turn.attempts]
        bad = [attempt for attempt in attempts if not attempt.ok]
        good = sorted(attempt.ended - attempt.begun for attempt in attempts if attempt.ok)
        asked: dict[str, list[tuple[str, bool, str | None]]] = defaultdict(list)
        for turn in begun:
            asked[turn.session].append((turn.question, turn.acknowledged, turn.reply))
        return cls(
            sent=len(begun),
            failed=sum(turn.failed for turn in begun),
            retried_well=sum(turn.failed and turn.acknowledged for turn in begun),
            given_up=sum(not turn.acknowledged for turn in begun),
            not_retryable=sum(not attempt.retryable for attempt in bad),
            codes=dict(Counter(attempt.code for attempt in bad)),
            slowest_failure=max((attempt.ended - attempt.begun for attempt in bad), default=0.0),
            late=sum(attempt.begun > since for attempt in bad),
            p50=_percentile(good, 0.50),
            p95=_percentile(good, 0.95),
            recovered_at=_recovered(attempts, since),
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
