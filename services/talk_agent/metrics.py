"""What an agent pod measures. Labels are bounded: agent, a tool of the spec, outcome, a code of `talk_kit.errors`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, partial
from typing import Literal

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from talk_kit.errors import BY_CODE, DeadlineExceeded
from talk_kit.events import TurnCompleted
from talk_kit.guard import Guard
from talk_kit.metrics import LATENCY_BUCKETS, http_metrics

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
        self.llm_first = histogram(
            "talk_agent_llm_first_response_seconds",
            "Seconds from a call of the model to its first text or tool call.",
            ["agent"],
        )
        self.llm_fallbacks = counter("talk_agent_llm_fallbacks", "Answers that came from a fallback model.", ["agent"])
        self.breaker_state = gauge(
            "talk_agent_breaker_state",
            "Whether a model's endpoint is asked: 0 it is, 1 one trial is, 2 it is left alone.",
            ["agent", "target"],
        )
        self.retries = counter(
            "talk_agent_retries", "Calls of a model that were made again before its first word.", ["agent", "target"]
        )
        self.llm_reachable = gauge(
            "talk_agent_llm_reachable", "1 when the model answered its latest probe, else 0.", ["agent"]
        )
        self.tools = counter("talk_agent_tool_calls", "Tool calls by outcome.", ["agent", "tool", "outcome"])
        self.tool_seconds = histogram("talk_agent_tool_seconds", "Seconds of a tool call.", ["agent", "tool"])
        self.ready = gauge("talk_agent_ready", "1 while this pod takes turns, else 0.", ["agent"])
        self.turns_limit = gauge("talk_agent_turns_limit", "Turns that this pod runs at once, at most.", ["agent"])
        self.session_setup = histogram(
            "talk_agent_session_setup_seconds",
            "Seconds that a turn waits for its session: for the turn before it, for the lease, and for what is stored.",
            ["agent"],
        )
        self.timeouts = http_metrics("agent").timeouts
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
        for target in ("llm", "turn"):
            self.timeouts.labels(target)
        for metric in (
            self.running, self.first_text, self.llm_calls, self.llm_reachable, self.sessions,
            self.llm_first, self.llm_fallbacks, self.session_setup, self.ready,
        ):  # fmt: skip
            metric.labels(agent)

    def watch_endpoints(self, agent: str, guards: Iterable[Guard]) -> None:
        """Shows each breaker as it is when it is asked for: an open one is half-open by time alone."""
        for guard in guards:
            self.breaker_state.labels(agent, guard.target).set_function(partial(_state, guard))
            self.retries.labels(agent, guard.target)

    def turn_ended(self, agent: str, outcome: Outcome, seconds: float, code: str | None = None) -> None:
        """Counts a turn's end; a refused one took no time."""
        self.turns.labels(agent, outcome).inc()
        if outcome != "refused":
            self.seconds.labels(agent, outcome).observe(seconds)
        if code is not None:
            self.failures.labels(agent, code).inc()
        if code == DeadlineExceeded.code:
            self.timeouts.labels("turn").inc()

    def llm_failed(self, agent: str, code: str) -> None:
        """Counts a call of the model that failed."""
        self.llm_errors.labels(agent, code).inc()
        if code == DeadlineExceeded.code:
            self.timeouts.labels("llm").inc()

    def turn_used(self, agent: str, ending: TurnCompleted) -> None:
        """Counts what a completed turn used, and how soon it spoke."""
        self.tokens.labels(agent, "input").inc(ending.usage.get("input_tokens", 0))
        self.tokens.labels(agent, "output").inc(ending.usage.get("output_tokens", 0))
        if (first := ending.timings.get("llm_ttft")) is not None:
            self.first_text.labels(agent).observe(first)


def _state(guard: Guard) -> float:
    return float(guard.state)


# Seconds. A round trip to a Redis in the same cluster takes less than 1 ms, an append some 2 ms.
REDIS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)


class RedisMetrics:
    """From `INFO`, and the time and failures of this process's own commands. There is one Redis, so no label."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.seconds = Histogram(
            "talk_agent_redis_command_seconds",
            "Seconds of a round trip to Redis, the wait for a connection among them.",
            buckets=REDIS_BUCKETS,
            registry=registry,
        )
        self.errors = Counter("talk_agent_redis_errors", "Round trips to Redis that failed.", registry=registry)
        self.up = Gauge("talk_agent_redis_up", "1 when Redis answered INFO, else 0.", registry=registry)
        self._info = {
            field: Gauge(f"talk_agent_redis_{name}", text, registry=registry)
            for field, (name, text) in REDIS_INFO.items()
        }
        self.persistence = Gauge(
            "talk_agent_redis_persistence_ok", "1 while Redis' latest writes to its disk went well.", registry=registry
        )

    def show(self, info: bytes) -> None:
        """Takes over an answer to `INFO`; what it does not say stays as it was."""
        lines = info.decode("utf-8", "replace").splitlines()
        facts = dict(line.split(":", 1) for line in lines if ":" in line)
        for field, gauge in self._info.items():
            if (value := facts.get(field, "")).isdecimal():
                gauge.set(float(value))
        states = [facts.get(field, "ok") for field in ("aof_last_write_status", "rdb_last_bgsave_status")]
        self.persistence.set(states == ["ok", "ok"])


REDIS_INFO = {
    "used_memory": ("memory_bytes", "Bytes that Redis uses."),
    "maxmemory": ("memory_limit_bytes", "Bytes that Redis may use; 0 without a limit."),
    "connected_clients": ("clients", "Connections that Redis serves."),
    "maxclients": ("clients_limit", "Connections that Redis accepts."),
    "evicted_keys": ("evicted_keys", "Keys that Redis has dropped for want of memory, since it started."),
    "rejected_connections": ("rejected_connections", "Connections that Redis has refused, since it started."),
    "uptime_in_seconds": ("uptime_seconds", "Seconds since Redis started."),
}


@cache
def redis_metrics() -> RedisMetrics:
    """The one of this process, where sessions are in Redis: without one there is nothing that could be down."""
    return RedisMetrics()


@cache
def metrics() -> AgentMetrics:
    """The one of this process: Prometheus' registry takes each name once."""
    return AgentMetrics()
