"""Settings of an agent pod. What the TalkAgent says wins over them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from talk_kit.redis_settings import RedisSettings
from talk_kit.settings import http_url, integer, one_of, seconds, setting
from talk_kit.talkagent import AgentDefaults, Secret

# The model where OPENAI_API_KEY is all that is set: small, quick to its first word, and calls tools well.
OPENAI_MODEL = "openai/gpt-4.1-mini"


@dataclass(frozen=True, slots=True)
class Settings(RedisSettings):
    """Read once, at start. Durations are seconds."""

    agent_file: str = setting(
        "TALK_AGENT_FILE",
        "/etc/talk/agent.yaml",
        doc="File with the TalkAgent. Beside it: secrets/<name>/<key> and configmaps/<name>/<key>, read when used.",
    )
    agent_name: str = setting(
        "TALK_AGENT_NAME", "", doc="Which TalkAgent of the file this is. Needed where the file holds several."
    )
    agent_namespace: str = setting(
        "TALK_AGENT_NAMESPACE",
        "",
        doc="The agent's namespace, where that is not the gateway's own: the gateway calls it and those that it asks "
        "name.namespace, and their sessions are kept apart from those of agents of the same name.",
    )
    host: str = setting("TALK_HOST", "*", doc="Address to listen on; * is every address of both families.")
    port: int = setting("TALK_PORT", 8081, doc="Port of the API.", parse=integer(1, 65535))
    metrics_port: int = setting(
        "TALK_METRICS_PORT", 0, doc="A port of its own for /metrics; 0 serves it on TALK_PORT.", parse=integer(0, 65535)
    )
    gateway_url: str | None = setting(
        "TALK_GATEWAY_URL", None, doc="The gateway, through which tools reach other agents.", parse=http_url
    )
    log_level: str = setting(
        "TALK_LOG_LEVEL", "info", doc="Least level that is logged.", parse=one_of("debug", "info", "warning", "error")
    )
    model: str | None = setting("TALK_MODEL", None, doc="Default model, such as openai/gpt-4.1-mini.")
    base_url: str | None = setting("TALK_BASE_URL", None, doc="Where the default model is.", parse=http_url)
    api_key: str | None = setting("TALK_API_KEY", None, doc="The default model's key.", secret=True)
    openai_api_key: str | None = setting(
        "OPENAI_API_KEY", None, doc="Alone, it selects OpenAI as the default model's provider.", secret=True
    )
    log_hash_key: str = setting(
        "TALK_LOG_HASH_KEY", "", doc="Keys the hash of session ids in logs; processes that share it agree.", secret=True
    )
    session_wait: float = setting(
        "TALK_SESSION_WAIT_SECONDS",
        10.0,
        doc="How long a turn waits for the one before it in its session; then it is 409.",
        unit="s",
        parse=seconds(0, 300),
    )
    max_sessions: int = setting(
        "TALK_MAX_MEMORY_SESSIONS",
        5_000,
        doc="Sessions kept in memory; the one unused for longest goes first. 20 short turns take some 100 KB.",
        parse=integer(1, 1_000_000),
    )
    identity_public_file: Path | None = setting(  # noqa: RUF009 - frozen, as all settings
        "TALK_IDENTITY_PUBLIC_FILE",
        None,
        doc="Public keys of the gateway (PEM, Ed25519): calls that it did not sign are refused. Without it nobody is.",
        parse=Path,
    )
    session_lease: float = setting(
        "TALK_SESSION_LEASE_SECONDS",
        6.0,
        doc="After so long a session whose agent died is free again. A longer pause of the agent ends its turn.",
        unit="s",
        parse=seconds(1, 60),
    )
    idempotency_ttl: float = setting(
        "TALK_IDEMPOTENCY_SECONDS",
        86_400.0,
        doc="How long the answer to a request with an Idempotency-Key is kept for its repetitions.",
        unit="s",
        parse=seconds(1, 31_536_000),
    )
    endpoint_delay: float = setting(
        "TALK_ENDPOINT_DELAY_SECONDS",
        0.0,
        doc="How long turns are still accepted after SIGTERM, until no Service routes here. 5 in a cluster.",
        unit="s",
        parse=seconds(0, 300),
    )

    def defaults(self) -> AgentDefaults:
        """What a TalkAgent leaves out. OPENAI_API_KEY goes to OpenAI only: to no other URL, and no other provider."""
        model = self.model or OPENAI_MODEL
        is_openai = self.base_url is None and ("/" not in model or model.startswith("openai/"))
        key = self.api_key or (self.openai_api_key if is_openai else None)
        chosen = self.model or (OPENAI_MODEL if self.openai_api_key and self.base_url is None else None)
        return AgentDefaults(model=chosen, base_url=self.base_url, api_key=Secret(key) if key else None)
