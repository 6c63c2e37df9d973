"""What is counted and logged of each turn, at its end, once."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager

from talk_gateway import metrics
from talk_gateway.voice_turn import VoiceEvent
from talk_kit.errors import DeadlineExceeded, TalkError
from talk_kit.events import ReplyDelta, TurnCompleted, TurnFailed
from talk_kit.logs import get_logger

log = get_logger(__name__)


async def observed(
    events: AsyncGenerator[VoiceEvent, None], *, agent: str, kind: str
) -> AsyncGenerator[VoiceEvent, None]:
    """The same events; counts the turn as completed, failed or, when it is closed before its end, cancelled."""
    metrics.prepare(agent)
    begun = time.monotonic()
    first_word: float | None = None
    outcome, code, timings = "cancelled", "", {}
    metrics.turns_running.labels(kind).inc()
    try:
        async with aclosing(events) as inner:
            async for event in inner:
                if first_word is None and isinstance(event, ReplyDelta):
                    first_word = time.monotonic() - begun
                if isinstance(event, TurnCompleted):
                    outcome, timings = "completed", dict(event.timings)
                elif isinstance(event, TurnFailed):
                    outcome, code = "failed", event.code
                yield event
    except TalkError as error:
        outcome, code = "failed", error.code
        raise
    finally:
        metrics.turns_running.labels(kind).dec()
        if kind == "chat" and outcome == "completed":
            timings = {"llm_ttft": round(first_word or 0.0, 4), "total": round(time.monotonic() - begun, 4)}
        _finish(agent, kind, outcome, code, timings)


@contextmanager
def refusals(*, agent: str, kind: str) -> Iterator[None]:
    """A turn that is refused within the block, before it begins, is one that failed."""
    try:
        yield
    except TalkError as error:
        metrics.prepare(agent)
        _finish(agent, kind, "failed", error.code, {})
        raise


def _finish(agent: str, kind: str, outcome: str, code: str, timings: dict[str, float]) -> None:
    metrics.turns.labels(agent, kind, outcome).inc()
    if code:
        metrics.turn_errors.labels(agent, code).inc()
    if code == DeadlineExceeded.code:
        metrics.timeouts.labels("turn").inc()
    for stage in metrics.STAGES:
        if stage in timings:
            metrics.turn_stage_seconds.labels(stage).observe(timings[stage])
    log.info("turn_ended", kind=kind, outcome=outcome, code=code or None, timings=timings)
