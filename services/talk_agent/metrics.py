"""What an agent pod measures. Labels are bounded: agent, a tool of the spec, outcome, a code of `talk_kit.errors`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from talk_kit.errors import BY_CODE
from talk_kit.events import TurnCompleted
from talk_kit.metrics import LATENCY_BUCKETS

Outcome = Literal["completed", "failed", "cancelled", "refused"]
OUTCOMES: tuple[Outcome, ...] = ("completed", "failed", "cancelled", "refused")


class AgentMetrics:
    """The metrics of a process. The one that `/metrics` shows is made by `metrics()`."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        counter = partial(Counter, registry=registry)
        gauge = partial(Gauge, registry=registry)
        histogram = partial(Histogram, buckets=LATENCY_BUCKETS, registry=registry)
        self.turns = counter("talk_agent_turns", "Turns by outcome.", ["agent", "outcome"])
        self.failures = counter("talk_agent_turn_failures", "Failed and refused turns by code.", ["agent", "code"])
        self.running = gauge("talk_agent_turns_running", "Turns that run now.", ["agent"])
        self.seconds = histogram(
            "talk_agent_turn_seconds",
            "Seconds from a turn's acceptance to its end.",
            ["agent", "outcome"],
        )
        self.first_text = histogram(
            "talk_agent_turn_first_text_seconds",
            "Seconds from a turn's acceptance to the model's first text.",
            ["agent"],
        )
        self.tokens = counter("talk_agent_tokens", "Tokens that providers counted.", ["agent", "direction"])
        self.llm_calls = counter("talk_agent_llm_calls", "Calls of the model.", ["agent"])
        self.llm_errors = counter(
            "talk_agent_llm_errors", "Calls of the model that failed, by code.", ["agent", "code"]
        )
        self.llm_reachable = gauge(
            "talk_agent_llm_reachable", "1 when the model answered its latest probe, else 0.", ["agent"]
        )
        self.tools = counter("talk_agent_tool_calls", "Tool calls by outcome.", ["agent", "tool", "outcome"])
        self.tool_seconds = histogram("talk_agent_tool_seconds", "Seconds of a tool call.", ["agent", "tool"])
        self.sessions = gauge("talk_agent_sessions", "Sessions that the store of this process holds.", ["agent"])

    def prepare(self, agent: str, tools: Iterable[str]) -> None:
        """Brings every known label set into being, at 0."""
        for outcome in OUTCOMES:
            self.turns.labels(agent, outcome)
        for code in BY_CODE:
            self.failures.labels(agent, code)
            self.llm_errors.labels(agent, code)
        for direction in ("input", "output"):
            self.tokens.labels(agent, direction)
        for tool in tools:
            self.tools.labels(agent, tool, "ok")
            self.tools.labels(agent, tool, "error")
        for metric in (self.running, self.first_text, self.llm_calls, self.llm_reachable, self.sessions):
            metric.labels(agent)

    def turn_ended(self, agent: str, outcome: Outcome, seconds: float, code: str | None = None) -> None:
        """Counts a turn's end; a refused one took no time."""
        self.turns.labels(agent, outcome).inc()
        if outcome != "refused":
            self.seconds.labels(agent, outcome).observe(seconds)
        if code is not None:
            self.failures.labels(agent, code).inc()

    def turn_used(self, agent: str, ending: TurnCompleted) -> None:
        """Counts what a completed turn used, and how soon it spoke."""
        self.tokens.labels(agent, "input").inc(ending.usage.get("input_tokens", 0))
        self.tokens.labels(agent, "output").inc(ending.usage.get("output_tokens", 0))
        if (first := ending.timings.get("llm_ttft")) is not None:
            self.first_text.labels(agent).observe(first)


@cache
def metrics() -> AgentMetrics:
    """The one of this process: Prometheus' registry takes each name once."""
    return AgentMetrics()
