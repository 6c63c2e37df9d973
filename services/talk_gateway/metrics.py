"""The gateway's metrics, all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from functools import cache
from types import TracebackType
from typing import Self

from prometheus_client import Counter, Gauge, Histogram

from talk_kit.breaker import State
from talk_kit.errors import BY_CODE, ContentFiltered, DeadlineExceeded, Internal, Overloaded, RateLimited, TalkError
from talk_kit.metrics import http_metrics

STAGES = ("asr", "llm_ttft", "first_sentence", "tts_ttfb", "first_audio", "total")
OUTCOMES = ("completed", "failed", "cancelled")
KINDS = ("chat", "voice")
SPEECH = ("asr", "tts")
LIMITS = ("ip", "caller", "agent", "turns", "tokens", "agent-tokens")
REJECTIONS = ("unauthenticated", "forbidden", "unavailable")
# What counts against Talk. The rest is the caller's own: silence, a busy session, too many requests, a filter.
FAULTS = tuple(code for code, cls in BY_CODE.items() if cls.status >= 500 and cls is not ContentFiltered)

turns = Counter("talk_gateway_turns", "Turns by agent, kind and outcome.", ["agent", "kind", "outcome"])
turns_running = Gauge("talk_gateway_turns_running", "Turns under way.", ["kind"])
turn_errors = Counter("talk_gateway_turn_errors", "Turns that failed, by the code of the failure.", ["agent", "code"])
turns_moved = Counter(
    "talk_gateway_turns_moved", "Turns that did not begin at a pod and were free to go to another, by why.", ["reason"]
)
requests_rejected = Counter(
    "talk_gateway_requests_rejected", "Requests that were not let in, by the code of the refusal.", ["reason"]
)
requests_limited = Counter(
    "talk_gateway_requests_limited", "Requests and turns refused by a limit, by what it is of.", ["kind"]
)
limits_unchecked = Counter(
    "talk_gateway_limits_unchecked",
    "Limits that could not be counted because Redis did not answer, by what was done without.",
    ["outcome"],
)
turn_stage_seconds = Histogram(
    "talk_gateway_turn_stage_seconds",
    "Seconds of a turn's stages: asr, llm_ttft and tts_ttfb each from their own request, first_sentence from the "
    "model's request, first_audio and total from the end of the upload.",
    ["stage"],
    # Around the bounds people notice in speech, with first audio's objective of 1.5 s among them.
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0),
)
provider_requests = Counter(
    "talk_gateway_provider_requests", "Calls to speech providers by service and outcome.", ["service", "outcome"]
)
provider_errors = Counter(
    "talk_gateway_provider_errors", "Calls to speech providers that failed, by code.", ["service", "code"]
)
provider_seconds = Histogram(
    "talk_gateway_provider_seconds",
    "Seconds from a call to a speech provider to its answer: all of a transcription, the first sound of a sentence.",
    ["service"],
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0),
)
breaker_state = Gauge(
    "talk_gateway_breaker_state",
    "Whether an endpoint is asked: 0 it is, 1 one trial is, 2 it is left alone. Of an agent, its best pod's.",
    ["target"],
)
breaker_opened = Counter(
    "talk_gateway_breaker_opened", "Times that an endpoint, or a pod of an agent, began to be left alone.", ["target"]
)
retries = Counter("talk_gateway_retries", "Calls that were made again before anything was passed on.", ["target"])
fallbacks = Counter(
    "talk_gateway_fallbacks", "Turns that went on with another speech provider, by which.", ["service", "provider"]
)
turn_places = Gauge("talk_gateway_turn_places", "Turns that this gateway may run at once.")
turns_waiting = Gauge("talk_gateway_turns_waiting", "Turns that wait for a place.")
turns_refused = Counter(
    "talk_gateway_turns_refused",
    "Turns for which no place fell free in time: overloaded in all, rate_limited for their agent.",
    ["code"],
)
timeouts = http_metrics("gateway").timeouts

for _kind in KINDS:
    turns_running.labels(_kind)
for _code in (Overloaded.code, RateLimited.code):
    turns_refused.labels(_code)
for _reason in ("draining", "agent_not_ready", "rate_limited"):
    turns_moved.labels(_reason)
for _kind in LIMITS:
    requests_limited.labels(_kind)
for _outcome in ("let_in", "refused"):
    limits_unchecked.labels(_outcome)
for _reason in REJECTIONS:
    requests_rejected.labels(_reason)
for _stage in STAGES:
    turn_stage_seconds.labels(_stage)
for _target in (*SPEECH, "agent", "turn"):
    timeouts.labels(_target)
for _service in SPEECH:
    provider_seconds.labels(_service)
    for _outcome in ("ok", "error", "cancelled"):
        provider_requests.labels(_service, _outcome)
    for _code in FAULTS:
        provider_errors.labels(_service, _code)


@cache
def prepare(agent: str) -> None:
    """Brings the label sets of an agent into being, at 0: once, when the agent is first heard of."""
    for kind in KINDS:
        for outcome in OUTCOMES:
            turns.labels(agent, kind, outcome)
    for code in FAULTS:
        turn_errors.labels(agent, code)
    breaker_opened.labels(agent_target(agent))


def agent_target(agent: str) -> str:
    """The label of an agent's pods, together: their number is not bounded."""
    return f"agent:{agent}"


def watch_breaker(target: str, state: Callable[[], State]) -> None:
    """Shows the state of that target from now on, at each scrape: a breaker turns half-open by time alone."""
    breaker_state.labels(target).set_function(lambda: float(state()))
    breaker_opened.labels(target)


def breaker_changed(target: str, state: State) -> None:
    """Counts the times that a breaker opens."""
    if state is State.OPEN:
        breaker_opened.labels(target).inc()


def prepare_fallbacks(service: str, providers: Iterable[str]) -> None:
    """Brings the label sets of a service's fallbacks into being, at 0."""
    for provider in providers:
        fallbacks.labels(service, provider)


class ProviderCall:
    """Counts and times one call to a speech provider, the `with` block. A caller that goes is no error of it."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._begun = time.monotonic()
        self._answered = False

    def answered(self) -> None:
        """The answer is there, or its first sound; later calls change nothing."""
        if not self._answered:
            self._answered = True
            provider_seconds.labels(self._service).observe(time.monotonic() - self._begun)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        match error:
            case None:
                outcome = "ok"
            case asyncio.CancelledError() | GeneratorExit():
                outcome = "cancelled"
            case _:
                outcome = "error"
                code = error.code if isinstance(error, TalkError) else Internal.code
                provider_errors.labels(self._service, code).inc()
                if code == DeadlineExceeded.code:
                    timeouts.labels(self._service).inc()
        provider_requests.labels(self._service, outcome).inc()
