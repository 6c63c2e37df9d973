"""Agents of some files, made ready to start: what each process reads, and no more.

A process gets one file with its own TalkAgent and those that it calls. Secrets travel in its environment and touch no
disk; of a ConfigMap the file has the one key that is read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from talk_kit.talkagent import API_VERSION, KIND, Agents, KeyRef, MissingReference, References, TalkAgent


@dataclass(frozen=True)
class Launch:
    """One agent: its file, and the secrets that its spec names, as variables."""

    name: str
    file: Path
    needs_model: bool
    voice: bool
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)


class LaunchRefused(Exception):
    """The agents cannot be started; the message says what to change."""


def launches(agents: Agents, folder: Path) -> list[Launch]:
    """Writes each agent's file into `folder` and returns what to start; suspended agents are left out."""
    return [_launch(agent, agents, folder) for agent in running(agents)]


def running(agents: Agents) -> list[TalkAgent]:
    """The agents that are to run here."""
    return [agent for agent in agents.by_name.values() if not agent.spec.suspend and agent.spec.replicas > 0]


def write_directory(agents: Agents, folder: Path) -> Path:
    """A file with every running agent, for the gateway: descriptions and languages come from it."""
    return _write(folder / "all.yaml", map(_document, running(agents)))


def _launch(agent: TalkAgent, agents: Agents, folder: Path) -> Launch:
    called = [agents.by_name[tool.agent] for tool in agent.spec.tools if tool.agent in agents.by_name]
    documents = [*map(_document, [agent, *called]), *_config_maps(agent, agents.references)]
    return Launch(
        name=agent.name,
        file=_write(folder / f"{agent.name}.yaml", documents),
        needs_model=agent.spec.model is None,
        voice=agent.spec.voice.enabled,
        secrets=dict(_secrets(agent, agents.references)),
    )


def _document(agent: TalkAgent) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": agent.name}, "spec": dict(agent.raw)}


def _config_maps(agent: TalkAgent, references: References) -> Iterator[dict[str, Any]]:
    ref = agent.spec.instruction_ref
    if ref is None:
        return
    try:
        data = {ref.key: references.text(ref)}
    except MissingReference:
        return  # a warning was given; the agent says in its /ready what it misses
    yield {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": ref.name}, "data": data}


def _secrets(agent: TalkAgent, references: References) -> Iterator[tuple[str, str]]:
    taken: dict[str, KeyRef] = {}
    for ref in dict.fromkeys(model.api_key_ref for model in agent.spec.models):
        if ref is None:
            continue
        other = taken.setdefault(ref.variable, ref)
        if other != ref:
            raise LaunchRefused(f"{agent.name}: {other} and {ref} are both read from {ref.variable}; rename one")
        try:
            yield ref.variable, references.secret(ref).reveal()
        except MissingReference:
            continue


def _write(file: Path, documents: Iterable[Mapping[str, Any]]) -> Path:
    """JSON is YAML; one document a line."""
    lines = [json.dumps(document, ensure_ascii=True) for document in documents]
    file.write_text("\n---\n".join(lines) + "\n", "utf-8")
    return file
