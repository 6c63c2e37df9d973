"""An agent's start: from `python -m talk_agent` to its first 200 on `/ready`, and the memory it then has."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from pathlib import Path

from bench.rows import agent_server, fake_providers

MODELS = {"OpenAI-compatible": "openai/fake", "litellm": "hosted_vllm/fake"}


@dataclass(frozen=True)
class Start:
    """Medians of `starts`, each of which is listed too."""

    model: str
    ready_seconds: float
    resident_mib: float
    starts: list[float]


def agent_starts(logs: Path, times: int) -> list[Start]:
    """The agent with each class of model, started so many times, its model's endpoint being there."""
    with fake_providers(logs) as providers:
        return [_starts(label, model, logs, providers.url, times) for label, model in MODELS.items()]


def _starts(label: str, model: str, logs: Path, providers: str, times: int) -> Start:
    seconds, sizes = [], []
    for _ in range(times):
        with agent_server("starting", logs, providers, model) as agent:
            seconds.append(round(agent.started_seconds, 3))
            sizes.append(agent.resident_bytes() / (1 << 20))
    return Start(label, statistics.median(seconds), round(statistics.median(sizes), 1), seconds)
