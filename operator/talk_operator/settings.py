"""Settings of the operator's process. What agents are made of is in its configuration file: see `config`."""

from __future__ import annotations

from dataclasses import dataclass

from talk_kit.redis_settings import RedisSettings
from talk_kit.settings import integer, one_of, seconds, setting, words


@dataclass(frozen=True, slots=True)
class Settings(RedisSettings):
    """Read once, at start. Durations are seconds. Redis is the chart's own, in which each agent gets a user."""

    config_file: str = setting(
        "TALK_OPERATOR_CONFIG",
        "/etc/talk/operator.yaml",
        doc="File with the image, the flows and the defaults of agents.",
    )
    namespace: str = setting(
        "TALK_NAMESPACE", "", doc="The operator's own namespace, which it serves. In a pod it is known without."
    )
    watch_namespaces: tuple[str, ...] = setting(
        "TALK_WATCH_NAMESPACES", (), doc="More namespaces to serve, separated by commas.", parse=words
    )
    api_server: str = setting(
        "KUBERNETES_SERVICE_HOST", "", doc="Address of the API server, set in every pod: no base URL may lead there."
    )
    lease_name: str = setting(
        "TALK_LEASE_NAME", "talk-operator", doc="The Lease that the replica at work holds, in its own namespace."
    )
    agents_configmap: str = setting(
        "TALK_AGENTS_CONFIGMAP", "", doc="ConfigMap whose keys are TalkAgents to make, NAME.yaml each with a spec."
    )
    host: str = setting("TALK_HOST", "*", doc="Address of the probes; * is every address of both families.")
    port: int = setting("TALK_PORT", 8080, doc="Port of the probes.", parse=integer(1, 65535))
    metrics_port: int = setting(
        "TALK_METRICS_PORT", 0, doc="A port of its own for /metrics; 0 serves it on TALK_PORT.", parse=integer(0, 65535)
    )
    log_level: str = setting(
        "TALK_LOG_LEVEL", "info", doc="Least level that is logged.", parse=one_of("debug", "info", "warning", "error")
    )
    workers: int = setting(
        "TALK_OPERATOR_WORKERS",
        16,
        doc="TalkAgents that are reconciled at the same time. They wait for the API server for most of it.",
        parse=integer(1, 64),
    )
    resync: float = setting(
        "TALK_RESYNC_SECONDS",
        120.0,
        doc="How often everything is listed anew, to find what a watch missed; each TalkAgent is looked at every five.",
        unit="s",
        parse=seconds(10, 240),
    )

    def namespaces(self, own: str) -> tuple[str, ...]:
        """The namespaces served, the operator's own first, each once."""
        return tuple(dict.fromkeys((own, *self.watch_namespaces)))
