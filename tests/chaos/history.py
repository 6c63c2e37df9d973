"""What was acknowledged against what is kept. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

Asked = Sequence[tuple[str, bool, str | None]]
"""Questions of one session in order: the text, whether its answer was acknowledged, the answer where it is known."""
Kept = Sequence[tuple[str, str]]
"""Messages of one session in order: author and text. `user` is who asks."""


@dataclass
class Difference:
    """Nothing in it is what every fault has to leave."""

    lost: list[str] = field(default_factory=list)
    """Acknowledged, and not there, or there with another answer."""
    double: list[str] = field(default_factory=list)
    """There more than once."""
    strange: list[str] = field(default_factory=list)
    """There, and never asked in this session."""
    out_of_order: list[str] = field(default_factory=list)
    """Sessions whose questions stand in another order than they were asked in."""
    not_alternating: list[str] = field(default_factory=list)
    """Sessions where a question has no answer, or an answer no question."""

    def __bool__(self) -> bool:
        return any(vars(self).values())


def compare(asked: Mapping[str, Asked], kept: Mapping[str, Kept]) -> Difference:
    """The difference over all sessions. A question that was never answered may be kept or not."""
    found = Difference()
    for session, questions in asked.items():
        _session(session, questions, kept.get(session, ()), found)
    return found


def _session(session: str, asked: Asked, kept: Kept, found: Difference) -> None:
    pairs = _pairs(kept)
    if pairs is None:
        found.not_alternating.append(session)
        pairs = []
    answers = dict(pairs)
    known = [question for question, _, _ in asked]
    for question, acknowledged, reply in asked:
        if acknowledged and (question not in answers or (reply is not None and answers[question] != reply)):
            found.lost.append(f"{session}: {question}")
    times = Counter(question for question, _ in pairs)
    found.double += [f"{session}: {question}" for question, count in times.items() if count > 1]
    found.strange += [f"{session}: {question}" for question in times if question not in known]
    order = [known.index(question) for question, _ in pairs if question in known]
    if order != sorted(order):
        found.out_of_order.append(session)


def _pairs(kept: Kept) -> list[tuple[str, str]] | None:
    """Question and answer by turn; None where they do not alternate."""
    authors = ["user" if author == "user" else "agent" for author, _ in kept]
    if authors != ["user", "agent"] * (len(kept) // 2):
        return None
    texts = [text for _, text in kept]
    return list(zip(texts[::2], texts[1::2], strict=True))
