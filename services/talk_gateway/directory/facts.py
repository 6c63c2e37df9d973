"""What the gateway needs of the cluster's objects, read from their JSON. Pure.

The API server has validated the objects against their schemas; what is missing or of another type counts as absent,
so that a newer version of a schema never stops the watch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from talk_gateway.directory.agent import AgentVoice

Json = Mapping[str, Any]

AGENT_LABEL = "talk.dwani.ai/agent"
SERVICE_LABEL = "kubernetes.io/service-name"
SERVICE_PREFIX = "talkagent-"
AGENT_PORT_NAME = "http"


class Key(NamedTuple):
    """An object's namespace and name."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """A TalkAgent. `message` is why it is not ready, in the operator's words; empty where it says nothing."""

    description: str
    voice: AgentVoice
    message: str
    requests_per_minute: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a pod. `ready`: takes new turns; `serving`: still answers, though it ends."""

    pod: str
    host: str
    port: int
    ready: bool
    serving: bool

    @property
    def url(self) -> str:
        """The base URL; an IPv6 address stands in brackets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class SliceFacts:
    """An EndpointSlice: the agent whose Service it is of, and its endpoints."""

    agent: Key
    endpoints: tuple[Endpoint, ...]


def key_of(document: Json) -> Key:
    """The key of any object."""
    metadata = _map(document, "metadata")
    return Key(_word(metadata, "namespace"), _word(metadata, "name"))


def agent_facts(document: Json, default_voice: Json) -> AgentFacts:
    """The facts of a TalkAgent; `default_voice` is what its `spec.voice` leaves out."""
    spec = _map(document, "spec")
    rate = _map(spec, "limits").get("requestsPerMinute")
    return AgentFacts(
        description=_word(spec, "description"),
        voice=_voice(_map(spec, "voice"), default_voice),
        message=_not_ready(document),
        requests_per_minute=rate if isinstance(rate, int) and rate > 0 else 0,
    )


def _voice(own: Json, default: Json) -> AgentVoice:
    def part(name: str, member: str) -> str | None:
        return _word(_map(own, name), member) or _word(_map(default, name), member) or None

    enabled = own.get("enabled", default.get("enabled", True))
    return AgentVoice(
        enabled=enabled is not False,
        language=_word(own, "language") or _word(default, "language") or None,
        transcription_provider=part("transcription", "provider") or "default",
        transcription_model=part("transcription", "model"),
        speech_provider=part("speech", "provider") or "default",
        speech_model=part("speech", "model"),
        speech_voice=part("speech", "voice"),
    )


def _not_ready(document: Json) -> str:
    for condition in _maps(_map(document, "status"), "conditions"):
        if condition.get("type") == "Ready" and condition.get("status") != "True":
            return _word(condition, "message") or _word(condition, "reason")
    return ""


def slice_facts(document: Json) -> SliceFacts | None:
    """The facts of an EndpointSlice, or None where it belongs to no agent or has no address."""
    service = _word(_map(_map(document, "metadata"), "labels"), SERVICE_LABEL)
    port = _port(document)
    if not service.startswith(SERVICE_PREFIX) or document.get("addressType") == "FQDN" or port is None:
        return None
    agent = Key(key_of(document).namespace, service.removeprefix(SERVICE_PREFIX))
    return SliceFacts(agent, tuple(_endpoints(document, port)))


def _port(document: Json) -> int | None:
    ports = [each for each in _maps(document, "ports") if isinstance(each.get("port"), int)]
    named = [each for each in ports if each.get("name") == AGENT_PORT_NAME]
    return next((each["port"] for each in named or ports), None)


def _endpoints(document: Json, port: int) -> Iterator[Endpoint]:
    for endpoint in _maps(document, "endpoints"):
        addresses = endpoint.get("addresses")
        if not isinstance(addresses, list) or not addresses or not isinstance(addresses[0], str):
            continue
        conditions = _map(endpoint, "conditions")
        # Absent is unknown, which consumers read as ready (the API's own words).
        ready = conditions.get("ready") is not False
        terminating = conditions.get("terminating") is True
        serving = conditions.get("serving")
        yield Endpoint(
            pod=_word(_map(endpoint, "targetRef"), "uid") or f"{addresses[0]} {port}",
            # Later addresses of one endpoint are the same pod's and have no meaning (the API's own words).
            host=addresses[0],
            port=port,
            ready=ready and not terminating,
            serving=ready if serving is None else serving is True,
        )


def _map(document: Json, member: str) -> Json:
    value = document.get(member)
    return value if isinstance(value, Mapping) else {}


def _maps(document: Json, member: str) -> Iterator[Json]:
    value = document.get(member)
    yield from (each for each in (value if isinstance(value, list) else []) if isinstance(each, Mapping))


def _word(document: Json, member: str) -> str:
    value = document.get(member)
    return value if isinstance(value, str) else ""
