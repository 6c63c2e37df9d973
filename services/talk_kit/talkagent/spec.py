"""A TalkAgent as the services use it: every field there, defaults filled in, durations in seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from talk_kit.talkagent.durations import seconds
from talk_kit.talkagent.references import KeyRef
from talk_kit.talkagent.secret import Secret


@dataclass(frozen=True)
class AgentDefaults:
    """What a spec leaves out: `agentDefaults` of the chart, or the environment. Durations are in seconds.

    `model` is `provider/name`; a name without provider is an OpenAI-compatible server's. `base_url` holds for models
    of the default's provider only, and `api_key` is sent to `base_url` only: never to where a spec points.
    """

    model: str | None = None
    base_url: str | None = None
    api_key: Secret | None = None
    model_timeout: float = 30.0
    voice_enabled: bool = True
    language: str | None = None
    speech_provider: str = "default"
    session_ttl: float = 86_400.0
    recent_turns: int = 20
    session_required: bool = True
    run_timeout: float = 60.0
    message_length: int = 4_000
    llm_calls: int = 8
    concurrent_turns: int = 20
    requests_per_minute: int | None = None
    replicas: int = 1
    drain_seconds: int = 60

    def __post_init__(self) -> None:
        if self.model and "/" not in self.model:
            object.__setattr__(self, "model", f"openai/{self.model}")
        if self.base_url:
            object.__setattr__(self, "base_url", self.base_url.rstrip("/"))


@dataclass(frozen=True)
class ModelSpec:
    """A language model. `timeout` is the longest silence, in seconds; None is the provider's own default.

    `api_key_ref` names the key; `uses_default_key` says that the default key goes with it instead.
    """

    name: str
    base_url: str | None = None
    api_key_ref: KeyRef | None = None
    uses_default_key: bool = False
    temperature: float | None = None
    max_tokens: int | None = None
    timeout: float = 30.0

    @property
    def provider(self) -> str:
        """What stands before the first slash: `openai` in `openai/gpt-4.1-mini`."""
        return self.name.split("/", 1)[0]

    @property
    def model(self) -> str:
        """What the provider itself calls it."""
        return self.name.split("/", 1)[-1]


@dataclass(frozen=True)
class SpeechChoice:
    """One of the gateway's speech providers; None is that provider's default."""

    provider: str = "default"
    model: str | None = None
    voice: str | None = None


@dataclass(frozen=True)
class VoiceSpec:
    """How the agent hears and speaks. `language` is a BCP-47 tag; None is the gateway's default."""

    enabled: bool = True
    language: str | None = None
    transcription: SpeechChoice = SpeechChoice()
    speech: SpeechChoice = SpeechChoice()


@dataclass(frozen=True)
class ToolSpec:
    """A tool: another TalkAgent, by name."""

    agent: str


@dataclass(frozen=True)
class SessionSpec:
    """How conversations are kept: `ttl` in seconds after the last turn, `recent_turns` shown to the model.

    `required`: without its store the agent is out of service; otherwise it answers and forgets.
    """

    ttl: float = 86_400.0
    recent_turns: int = 20
    required: bool = True


@dataclass(frozen=True)
class LimitsSpec:
    """Bounds of one turn and of one replica; `run_timeout` in seconds, `message_length` in characters."""

    run_timeout: float = 60.0
    message_length: int = 4_000
    llm_calls: int = 8
    concurrent_turns: int = 20
    requests_per_minute: int | None = None


@dataclass(frozen=True)
class Spec:
    """What the agent is. One of `instruction` and `instruction_ref` is there; `model` is None without any default."""

    description: str = ""
    instruction: str | None = None
    instruction_ref: KeyRef | None = None
    model: ModelSpec | None = None
    fallbacks: tuple[ModelSpec, ...] = ()
    voice: VoiceSpec = VoiceSpec()
    tools: tuple[ToolSpec, ...] = ()
    session: SessionSpec = SessionSpec()
    limits: LimitsSpec = LimitsSpec()
    replicas: int = 1
    drain_seconds: int = 60
    suspend: bool = False

    @property
    def models(self) -> tuple[ModelSpec, ...]:
        """The model and its fallbacks, in the order they are tried."""
        return (self.model, *self.fallbacks) if self.model else ()


@dataclass(frozen=True)
class TalkAgent:
    """An agent. `name` is as Kubernetes spells it; `raw` is the spec as written, for what only the operator reads."""

    name: str
    spec: Spec
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def talk_agent(data: Mapping[str, Any], defaults: AgentDefaults) -> TalkAgent:
    """The agent of a document that `validate` found no error in."""
    raw = data["spec"]
    session, limits = raw.get("session", {}), raw.get("limits", {})
    spec = Spec(
        description=raw.get("description", ""),
        instruction=raw.get("instruction"),
        instruction_ref=_ref("ConfigMap", raw.get("instructionFrom", {}).get("configMapKeyRef")),
        model=_main_model(raw.get("model", {}), defaults),
        fallbacks=tuple(_model(each, defaults) for each in raw.get("model", {}).get("fallbacks", [])),
        voice=_voice(raw.get("voice", {}), defaults),
        tools=tuple(ToolSpec(tool["agent"]["name"]) for tool in raw.get("tools", [])),
        session=SessionSpec(
            ttl=_duration(session, "ttl", defaults.session_ttl),
            recent_turns=session.get("recentTurns", defaults.recent_turns),
            required=session.get("required", defaults.session_required),
        ),
        limits=LimitsSpec(
            run_timeout=_duration(limits, "runTimeout", defaults.run_timeout),
            message_length=limits.get("messageLength", defaults.message_length),
            llm_calls=limits.get("llmCalls", defaults.llm_calls),
            concurrent_turns=limits.get("concurrentTurns", defaults.concurrent_turns),
            requests_per_minute=limits.get("requestsPerMinute", defaults.requests_per_minute),
        ),
        replicas=raw.get("replicas", defaults.replicas),
        drain_seconds=raw.get("drainSeconds", defaults.drain_seconds),
        suspend=raw.get("suspend", False),
    )
    return TalkAgent(data["metadata"]["name"], spec, raw)


def _duration(raw: Mapping[str, Any], name: str, default: float) -> float:
    return seconds(raw[name]) if name in raw else default


def _ref(kind: Any, raw: Mapping[str, str] | None) -> KeyRef | None:
    return KeyRef(kind, raw["name"], raw["key"]) if raw else None


def _main_model(raw: Mapping[str, Any], defaults: AgentDefaults) -> ModelSpec | None:
    name = raw.get("name", defaults.model)
    return _model({**raw, "name": name}, defaults) if name else None


def _model(raw: Mapping[str, Any], defaults: AgentDefaults) -> ModelSpec:
    provider = raw["name"].split("/", 1)[0]
    same = not defaults.model or provider == defaults.model.split("/", 1)[0]
    base_url = raw["baseURL"].rstrip("/") if "baseURL" in raw else (defaults.base_url if same else None)
    ref = _ref("Secret", raw.get("apiKeySecretRef"))
    return ModelSpec(
        name=raw["name"],
        base_url=base_url,
        api_key_ref=ref,
        uses_default_key=ref is None and same and base_url == defaults.base_url,
        temperature=raw.get("temperature"),
        max_tokens=raw.get("maxTokens"),
        timeout=_duration(raw, "timeout", defaults.model_timeout),
    )


def _voice(raw: Mapping[str, Any], defaults: AgentDefaults) -> VoiceSpec:
    return VoiceSpec(
        enabled=raw.get("enabled", defaults.voice_enabled),
        language=raw.get("language", defaults.language),
        transcription=_speech(raw.get("transcription", {}), defaults),
        speech=_speech(raw.get("speech", {}), defaults),
    )


def _speech(raw: Mapping[str, str], defaults: AgentDefaults) -> SpeechChoice:
    return SpeechChoice(raw.get("provider", defaults.speech_provider), raw.get("model"), raw.get("voice"))
