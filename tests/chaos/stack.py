"""Gateway, agent and Redis as real processes on this machine, with providers that can be broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from bench.processes import ROOT, Child, clean_environment, free_port, server
from tests.chaos.history import Difference, compare
from tests.fakes.valkey import Valkey, valkey

AGENT = "assistant"
# As the chart has it: on the disk within a second.
DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec")
AGENT_FILE = f"""\
apiVersion: talk.dwani.ai/v1alpha1
kind: TalkAgent
metadata: {{name: {AGENT}}}
spec:
  instruction: Be brief.
  limits: {{concurrentTurns: 100, runTimeout: 15s}}
"""


@dataclass(frozen=True)
class Stack:
    """What runs, and how to drive it."""

    redis: Valkey
    providers: Child
    agent: Child
    gateway: Child
    load: httpx.Client

    def start(self, **plan: Any) -> None:
        """Begins a load: `tests.chaos.load.Plan`."""
        self.load.post("/start", json={"url": self.gateway.url, "agent": AGENT, **plan}).raise_for_status()

    def seen(self) -> Any:
        """How far the load is."""
        return self.load.get("/").raise_for_status().json()

    def stop(self) -> Any:
        """Its report."""
        return self.load.post("/stop").raise_for_status().json()

    def faults(self, **wrong: Any) -> None:
        """What goes wrong at the providers from now on: `tests.fakes.providers.Faults`."""
        httpx.put(f"{self.providers.url}/faults", json=wrong).raise_for_status()

    def redis_connections(self) -> int:
        """How many the agent has."""
        with self.redis.client() as client:
            return int(client.info("clients")["connected_clients"]) - 1

    def difference(self, report: Any) -> Difference:
        """What the report says was acknowledged against what Redis holds."""
        done = subprocess.run(
            [sys.executable, "-m", "tests.chaos.kept", AGENT],
            cwd=ROOT,
            env={**clean_environment(), "TALK_REDIS_URL": self.redis.url},
            input=json.dumps(list(report["asked"])),
            text=True,
            check=True,
            capture_output=True,
            timeout=120,
        )
        return compare(report["asked"], json.loads(done.stdout))


@contextmanager
def stack(logs: Path) -> Iterator[Stack]:
    """All of it while the block runs; what the processes write is in `logs`."""
    file = logs / "agent.yaml"
    file.write_text(AGENT_FILE)
    llm, speech, load = free_port(), free_port(), free_port()
    with ExitStack() as up:
        redis = up.enter_context(valkey(*DURABLE, tcp=True))
        ports = ["--llm-port", str(llm), "--speech-port", str(speech)]
        providers = up.enter_context(server("providers", "tests.fakes.providers", logs, port=speech, arguments=ports))
        agent = up.enter_context(server("agent", "talk_agent", logs, env=_agent_environment(file, llm, redis)))
        gateway = up.enter_context(server("gateway", "talk_gateway", logs, env=_gateway_environment(agent, providers)))
        driver = up.enter_context(server("load", "tests.chaos.load", logs, port=load, arguments=["--port", str(load)]))
        client = up.enter_context(httpx.Client(base_url=driver.url, timeout=300))
        yield Stack(redis, providers, agent, gateway, client)


def _agent_environment(file: Path, llm: int, redis: Valkey) -> dict[str, str]:
    return {
        "TALK_AGENT_FILE": str(file),
        "TALK_MODEL": "openai/fake",
        "TALK_BASE_URL": f"http://127.0.0.1:{llm}/v1",
        "TALK_API_KEY": "none",
        "TALK_REDIS_URL": redis.url,
        "TALK_LOG_LEVEL": os.environ.get("TALK_TEST_LOG_LEVEL", "warning"),
    }


def _gateway_environment(agent: Child, providers: Child) -> dict[str, str]:
    return {
        "TALK_AGENTS": f"{AGENT}={agent.url}",
        "TALK_DEFAULT_AGENT": AGENT,
        "TALK_ASR_BASE_URL": f"{providers.url}/v1",
        "TALK_TTS_BASE_URL": f"{providers.url}/v1",
        "TALK_LOG_LEVEL": os.environ.get("TALK_TEST_LOG_LEVEL", "warning"),
    }
