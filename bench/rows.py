"""The rows of voice turns: which processes each needs, and how its load is run."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figures, Turns
from bench.peers import LIVEKIT, PIPECAT, Peer
from bench.processes import ROOT, Child, clean_environment, server

LOAD_SECONDS = 900
AGENT_FILE = """\
apiVersion: talk.dwani.ai/v1alpha1
kind: TalkAgent
metadata: {name: bench}
spec:
  instruction: Be brief.
  limits: {concurrentTurns: 100}
"""


@dataclass(frozen=True)
class Plan:
    """How much is run. `loads` are pairs of sessions at once and turns of each; `replicas` is of the agent."""

    loads: Sequence[tuple[int, int]]
    replicas: int
    wav: Path
    logs: Path


Row = Callable[[Plan], Iterator[Figures]]


def gateway(plan: Plan) -> Iterator[Figures]:
    """The gateway with a scripted agent in place of ADK."""
    with ExitStack() as stack:
        providers = stack.enter_context(fake_providers(plan.logs))
        agent = stack.enter_context(server("scripted-agent", "bench.scripted_agent", plan.logs))
        edge = stack.enter_context(_gateway(plan, providers, {"bench": agent.url}))
        yield from _talk("gateway", plan, providers, edge, [], ["bench"])


def whole_path(plan: Plan) -> Iterator[Figures]:
    """The gateway and the real agent with the fake LLM."""
    with ExitStack() as stack:
        providers = stack.enter_context(fake_providers(plan.logs))
        names = [f"bench-{index}" for index in range(plan.replicas)]
        agents = [stack.enter_context(agent_server(name, plan.logs, providers.url)) for name in names]
        urls = {name: agent.url for name, agent in zip(names, agents, strict=True)}
        edge = stack.enter_context(_gateway(plan, providers, urls))
        yield from _talk("whole path", plan, providers, edge, agents, names)


def pipecat(plan: Plan) -> Iterator[Figures]:
    """Pipecat against the same fakes."""
    return _peer(PIPECAT, plan)


def livekit(plan: Plan) -> Iterator[Figures]:
    """LiveKit Agents against the same fakes."""
    return _peer(LIVEKIT, plan)


ROWS: dict[str, Row] = {"gateway": gateway, "whole-path": whole_path, "pipecat": pipecat, "livekit": livekit}


@contextmanager
def fake_providers(logs: Path) -> Iterator[Child]:
    """The fakes of `bench.fakes`."""
    with server("fakes", "bench.fakes", logs) as child:
        yield child


@contextmanager
def agent_server(name: str, logs: Path, providers: str, model: str = "openai/fake") -> Iterator[Child]:
    """The real agent, named `name`, whose model is the fake LLM at `providers`."""
    file = logs / f"{name}.yaml"
    file.write_text(AGENT_FILE.replace("{name: bench}", f"{{name: {name}}}"))
    env = {
        "TALK_AGENT_FILE": str(file),
        "TALK_MODEL": model,
        "TALK_BASE_URL": f"{providers}/v1",
        "TALK_API_KEY": "none",
    }
    with server(name, "talk_agent", logs, env=env) as child:
        yield child


@contextmanager
def _gateway(plan: Plan, providers: Child, agents: Mapping[str, str]) -> Iterator[Child]:
    base_url = f"{providers.url}/v1"
    env = {
        "TALK_AGENTS": ",".join(f"{name}={url}" for name, url in agents.items()),
        "TALK_DEFAULT_AGENT": next(iter(agents)),
        "TALK_ASR_BASE_URL": base_url,
        "TALK_TTS_BASE_URL": base_url,
    }
    with server("gateway", "talk_gateway", plan.logs, env=env) as child:
        yield child


def _talk(
    row: str, plan: Plan, providers: Child, edge: Child, agents: Sequence[Child], names: Sequence[str]
) -> Iterator[Figures]:
    command = [sys.executable, "-m", "bench.voice_turns", f"--url={edge.url}", f"--wav={plan.wav}"]
    for name in names:
        load([*command, f"--agents={name}"], 1, 1)  # what is made at the first turn only: connections, caches
    watched = {"gateway": edge, **{agent.name: agent for agent in agents}}
    for sessions, turns in plan.loads:
        _lateness(providers)
        before = {name: child.cpu_seconds() for name, child in watched.items()}
        seen = load([*command, "--agents", *names], sessions, turns)
        cpu = {name: child.cpu_seconds() - before[name] for name, child in watched.items()}
        peak = {name: child.peak_bytes() for name, child in watched.items()}
        yield Figures.of(row, sessions, seen, cpu, peak, _lateness(providers))


def _peer(peer: Peer, plan: Plan) -> Iterator[Figures]:
    python = peer.python()
    with fake_providers(plan.logs) as providers:
        command = [str(python), "-m", peer.driver, f"--providers={providers.url}", f"--wav={plan.wav}"]
        for sessions, turns in plan.loads:
            _lateness(providers)
            seen = load(command, sessions, turns)
            cpu, peak = {peer.name: seen.cpu_seconds}, {peer.name: seen.peak_bytes}
            yield Figures.of(peer.name, sessions, seen, cpu, peak, _lateness(providers))


def load(command: Sequence[str], sessions: int, turns: int) -> Turns:
    """Runs a driver with so many sessions at once, and gives what it saw."""
    done = subprocess.run(
        [*command, f"--sessions={sessions}", f"--turns={turns}"],
        cwd=ROOT,
        env=clean_environment(),
        check=True,
        stdout=subprocess.PIPE,
        timeout=LOAD_SECONDS,
    )
    return Turns(**json.loads(done.stdout.splitlines()[-1]))


def _lateness(providers: Child) -> float:
    """How late the fakes' pieces left, 95th percentile in seconds, since this was last asked."""
    with urllib.request.urlopen(f"{providers.url}/stats", timeout=10) as response:
        return float(json.load(response)["late_p95"] or 0.0)
