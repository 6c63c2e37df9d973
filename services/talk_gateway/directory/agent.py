"""An agent as the gateway knows it, and the port that both directories serve."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from talk_gateway.directory.pods import Pods
from talk_kit.errors import AgentNotReady
from talk_kit.health import Check
from talk_kit.http_client import HttpPool


@dataclass(frozen=True, slots=True)
class AgentVoice:
    """How an agent hears and speaks, by which speech providers; what is None is the provider's own default."""

    enabled: bool = True
    language: str | None = None
    transcription_model: str | None = None
    speech_model: str | None = None
    speech_voice: str | None = None
    transcription_provider: str = "default"
    speech_provider: str = "default"


@dataclass(slots=True)
class Agent:
    """One agent. Its directory changes it in place, so that a turn that is under way sees its pods come and go.

    `requests_per_minute` is the spec's own limit, 0 where it has none. `name` is what callers say;
    `own_name` is what its pods call it, which differs for an agent of another
    namespace (`helper.team` and `helper`).
    """

    name: str
    pods: Pods = field(default_factory=Pods)
    description: str = ""
    voice: AgentVoice = field(default_factory=AgentVoice)
    ready: bool = False
    reason: str = "not asked yet"
    own_name: str = ""
    requests_per_minute: int = 0

    def __post_init__(self) -> None:
        self.own_name = self.own_name or self.name
        self.pods.agent = self.name

    def require(self) -> None:
        """AgentNotReady where it is certain that no pod can be asked, CircuitOpen where none may be."""
        if not self.pods.urls:
            raise AgentNotReady(f"The agent {self.name} is not ready: {self.reason}")
        self.pods.require()

    def listed(self) -> dict[str, Any]:
        """The agent as `GET /v1/agents` shows it."""
        members = {
            "name": self.name,
            "description": self.description,
            "ready": self.ready,
            "voice": self.voice.enabled,
            "languages": [self.voice.language] if self.voice.language else [],
        }
        return members if self.ready else {**members, "reason": self.reason}


class Agents(Protocol):
    """Agents by name."""

    def resolve(self, name: str) -> Agent:
        """The agent of that name in either spelling, ready or not.

        Raises UnknownAgent with the known names, or AgentNotReady where it cannot be told yet which there are.
        """

    def default(self, mode: str) -> Agent:
        """The agent of a request that names none; errors as of `resolve`."""

    def agents(self) -> list[Agent]:
        """All of them, by name."""


class Directory(Agents, Protocol):
    """The agents of this gateway: from files and settings on a laptop, from a watch in a cluster."""

    def checks(self) -> list[Check]:
        """What the gateway's health shows of this directory."""

    def running(self, pool: HttpPool) -> AbstractAsyncContextManager[None]:
        """Keeps the directory current inside this block."""
