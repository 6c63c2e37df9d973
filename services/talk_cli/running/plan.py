"""Which processes there are, on which port, and what each is told. Pure: ports and files are chosen before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from talk_cli.running.launches import Launch
from talk_cli.settings import Settings

LOOPBACK = "127.0.0.1"
LOCAL = "local"
GATEWAY = "gateway"
OPENAI_URL = "https://api.openai.com/v1"
OPENAI_MODEL = "openai/gpt-4.1-mini"
# The names under which talk_local serves its model, its ASR and its voice.
LOCAL_MODEL = "openai/demo"
LOCAL_ASR = {"TALK_ASR_MODEL": "tiny-en"}
LOCAL_TTS = {"TALK_TTS_MODEL": "joe", "TALK_TTS_VOICE": "joe"}
# A turn on a laptop is not worth more than this when Ctrl-C is pressed.
DRAIN_SECONDS = 3

_MODEL_NAMES = frozenset(["TALK_MODEL", "TALK_BASE_URL", "TALK_API_KEY"])
# Set for each process by the plan, never handed on.
_PLANNED = frozenset(
    [
        "TALK_HOST",
        "TALK_PORT",
        "TALK_METRICS_PORT",
        "TALK_AGENTS",
        "TALK_AGENT_FILE",
        "TALK_AGENT_FILES",
        "TALK_AGENT_NAME",
        "TALK_CHAT_API_KEY",
        "TALK_DEFAULT_AGENT",
        "TALK_GATEWAY_URL",
        "TALK_IDENTITY_FILE",
        "TALK_IDENTITY_PUBLIC_FILE",
        "TALK_LOCAL_PARTS",
    ]
)
_GATEWAY_PREFIXES = ("TALK_ASR_", "TALK_TTS_", "TALK_CORS_", "TALK_AUTH_", "TALK_OIDC_", "TALK_LIMIT_")


@dataclass(frozen=True)
class ChildSpec:
    """A process: `python -m <module>` with this environment, and where it answers.

    `last` ends after the others; `address` says where it answers when that is no port.
    """

    name: str
    module: str
    port: int
    host: str = LOOPBACK
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    last: bool = False
    address: str = ""

    @property
    def url(self) -> str:
        """Where this machine reaches it."""
        if self.address:
            return self.address
        host = LOOPBACK if self.host in ("*", "0.0.0.0", "::", "localhost") else self.host  # noqa: S104
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"


@dataclass(frozen=True)
class IdentityFiles:
    """The gateway's key that says who calls, and the public one that its agents check that with."""

    private: Path
    public: Path


@dataclass(frozen=True)
class Ports:
    """One port a process; `agents` in the order of the agents."""

    gateway: int
    agents: Sequence[int]
    local: int


def local_parts(settings: Settings, agents: Sequence[Launch]) -> list[str]:
    """What has no provider and is therefore done on this machine: of llm, asr and tts."""
    voice = any(agent.voice for agent in agents)
    needed = {
        "llm": not settings.has_model and any(agent.needs_model for agent in agents),
        "asr": voice and not settings.has_asr,
        "tts": voice and not settings.has_tts,
    }
    return [part for part, is_needed in needed.items() if is_needed]


def plan(
    settings: Settings,
    environ: Mapping[str, str],
    agents: Sequence[Launch],
    directory: Path,
    ports: Ports,
    identity: IdentityFiles | None = None,
) -> list[ChildSpec]:
    """The processes, those first that others wait for. `directory` is the file with all agents."""
    parts = local_parts(settings, agents)
    planner = _Planner(settings, environ, ports, parts, identity)
    children = [planner.agent(agent, port) for agent, port in zip(agents, ports.agents, strict=True)]
    return [*planner.local(), *children, planner.gateway(children, directory)]


class _Planner:
    def __init__(
        self,
        settings: Settings,
        environ: Mapping[str, str],
        ports: Ports,
        parts: list[str],
        identity: IdentityFiles | None,
    ) -> None:
        self._identity = identity
        self._settings = settings
        self._environ = environ
        self._ports = ports
        self._parts = parts
        self._local_url = f"http://{LOOPBACK}:{ports.local}/v1"

    def local(self) -> list[ChildSpec]:
        if not self._parts:
            return []
        env = {name: value for name, value in self._environ.items() if not _is_key(name)}
        env = {name: value for name, value in env.items() if not _is_talk(name) or name.startswith("TALK_LOCAL_")}
        told = {"TALK_LOCAL_PARTS": ",".join(self._parts)}
        return [ChildSpec(LOCAL, "talk_local", self._ports.local, env=self._env(env, self._ports.local, told))]

    def agent(self, agent: Launch, port: int) -> ChildSpec:
        env = {name: value for name, value in self._environ.items() if not _is_gateways(name)}
        told = {
            "TALK_AGENT_FILE": str(agent.file),
            "TALK_AGENT_NAME": agent.name,
            "TALK_GATEWAY_URL": self._gateway_spec().url,
            **self._model(),
            **agent.secrets,
        }
        if self._identity:
            told["TALK_IDENTITY_PUBLIC_FILE"] = str(self._identity.public)
        if self._settings.openai_alone:
            env.pop("OPENAI_API_KEY", None)
        return ChildSpec(agent.name, "talk_agent", port, env=self._env(env, port, told))

    def gateway(self, agents: Sequence[ChildSpec], directory: Path) -> ChildSpec:
        env = {name: value for name, value in self._environ.items() if not _is_agents(name)}
        env = {name: value for name, value in env.items() if not _is_key(name) or _is_gateways_key(name)}
        told = {
            "TALK_AGENTS": ",".join(f"{child.name}={child.url}" for child in agents),
            "TALK_AGENT_FILES": str(directory),
            **self._speech(),
        }
        if self._settings.default_agent:
            told["TALK_DEFAULT_AGENT"] = self._settings.default_agent
        if self._identity:
            told["TALK_IDENTITY_FILE"] = str(self._identity.private)
        spec = self._gateway_spec()
        env = self._env(env, spec.port, told) | {"TALK_HOST": spec.host}
        return ChildSpec(spec.name, spec.module, spec.port, spec.host, env)

    def _gateway_spec(self) -> ChildSpec:
        return ChildSpec(GATEWAY, "talk_gateway", self._ports.gateway, self._settings.host)

    def _model(self) -> dict[str, str]:
        settings = self._settings
        if "llm" in self._parts:
            return {"TALK_MODEL": LOCAL_MODEL, "TALK_BASE_URL": self._local_url}
        if settings.openai_alone:
            return {
                "TALK_MODEL": OPENAI_MODEL,
                "TALK_BASE_URL": OPENAI_URL,
                "TALK_API_KEY": settings.openai_api_key or "",
            }
        return {}

    def _speech(self) -> dict[str, str]:
        told: dict[str, str] = {}
        for part, names in (("asr", LOCAL_ASR), ("tts", LOCAL_TTS)):
            if part in self._parts:
                told[f"TALK_{part.upper()}_BASE_URL"] = self._local_url
                told |= {name: self._environ.get(name) or value for name, value in names.items()}
        return told

    def _env(self, environ: Mapping[str, str], port: int, told: Mapping[str, str]) -> dict[str, str]:
        """What is common: loopback, one hash key for the logs of all, a short drain."""
        kept = {name: value for name, value in environ.items() if not _is_planned(name)}
        return {
            "TALK_DRAIN_SECONDS": str(DRAIN_SECONDS),
            **kept,
            "PYTHONUNBUFFERED": "1",
            "TALK_HOST": LOOPBACK,
            "TALK_PORT": str(port),
            "TALK_LOG_LEVEL": self._settings.log_level,
            "TALK_LOG_HASH_KEY": self._settings.log_hash_key or "",
            **told,
        }


def _is_talk(name: str) -> bool:
    return name.startswith("TALK_")


def _is_planned(name: str) -> bool:
    return name in _PLANNED or name.startswith("TALK_SECRET_")


def _is_key(name: str) -> bool:
    return name.endswith(("_API_KEY", "_API_TOKEN", "_SECRET_ACCESS_KEY"))


def _is_gateways_key(name: str) -> bool:
    return name == "OPENAI_API_KEY" or name.startswith(_GATEWAY_PREFIXES)


def _is_agents(name: str) -> bool:
    return name in _MODEL_NAMES or name.startswith("TALK_REDIS_")


def _is_gateways(name: str) -> bool:
    return name.startswith(_GATEWAY_PREFIXES)
