"""What an agent needs to be ready: its model, the keys and texts that its spec refers to, its sessions."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import Gauge

from talk_agent.models.probe import ChainProbe
from talk_agent.sessions.port import SessionStore
from talk_kit.errors import AgentNotReady
from talk_kit.health import Check
from talk_kit.talkagent import KeyRef, MissingReference, References, SessionSpec, Spec

# Seconds between two looks at the mounted files: a key that is made or changed is seen within these.
REFERENCES_INTERVAL = 2.0
SESSIONS_INTERVAL = 5.0


def model_check(chain: ChainProbe, reachable: Gauge) -> Check:
    """Fails while no model of the chain can be reached; `reachable` shows the latest outcome as 1 or 0."""

    async def probe() -> None:
        answered = False
        try:
            await chain.probe()
            answered = True
        finally:
            reachable.set(answered)

    return Check("model", probe, timeout=chain.timeout, delay=chain.delay)


def references_check(spec: Spec, references: References) -> Check:
    """Fails while a Secret or a ConfigMap that the spec names is missing or unusable, and says which."""

    async def probe() -> None:
        for ref in referred(spec):
            try:
                references.secret(ref) if ref.kind == "Secret" else references.text(ref)
            except MissingReference as missing:
                raise AgentNotReady(str(missing)) from None

    return Check("references", probe, interval=REFERENCES_INTERVAL)


def sessions_check(session: SessionSpec, store: SessionStore) -> Check:
    """Fails while sessions cannot be reached; it counts where the spec says `session.required`."""
    return Check("sessions", store.check, interval=SESSIONS_INTERVAL, required=session.required)


def referred(spec: Spec) -> Iterator[KeyRef]:
    """The keys that the agent itself reads, each once."""
    refs = [model.api_key_ref for model in spec.models] + [spec.instruction_ref]
    yield from dict.fromkeys(ref for ref in refs if ref is not None)


class Instruction:
    """The text that the model is told: that of the spec, or a ConfigMap's as it is now."""

    def __init__(self, spec: Spec, references: References) -> None:
        self._literal = spec.instruction
        self._ref = spec.instruction_ref
        self._references = references

    def __call__(self) -> str:
        """The text. AgentNotReady names the ConfigMap that is missing."""
        if self._literal is not None or self._ref is None:
            return self._literal or ""
        try:
            return self._references.text(self._ref)
        except MissingReference as missing:
            raise AgentNotReady(f"The instruction cannot be read: {missing}.") from None
