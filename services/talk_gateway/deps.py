"""What the gateway works with: made once at start, handed to the app."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from talk_gateway.admission import Admission, AdmissionLimits
from talk_gateway.audio.decode import DecodeLimits, Decoder
from talk_gateway.auth import Authenticator, VisibleAgents, caller_of
from talk_gateway.auth.build import build_authenticator
from talk_gateway.auth.identities import Identities, build_identities
from talk_gateway.directory import Agent, Directory
from talk_gateway.directory.static import StaticDirectory
from talk_gateway.known_agents import known_agents
from talk_gateway.limits.build import build_limiter
from talk_gateway.limits.limiter import Limiter
from talk_gateway.limits.middleware import standings
from talk_gateway.providers.asr import Transcriber
from talk_gateway.providers.build import Chains, breaker_limits, synthesis, transcription
from talk_gateway.providers.tts import Synthesizer
from talk_gateway.settings import Settings
from talk_kit.http_client import HttpPool

# A turn ends by its own bounds, and is given so much more before its place counts as left behind.
PLACE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Deps:
    """The adapters behind the routes."""

    settings: Settings
    pool: HttpPool
    directory: Directory
    decoder: Decoder
    transcription: Chains[Transcriber]
    synthesis: Chains[Synthesizer]
    admission: Admission
    authenticator: Authenticator
    identities: Identities
    limiter: Limiter

    def visible(self, connection: HTTPConnection) -> VisibleAgents:
        """The agents that the caller of a request may speak to."""
        return VisibleAgents(self.directory, caller_of(connection))

    def limited(self, connection: HTTPConnection, agent: Agent) -> AbstractAsyncContextManager[None]:
        """What a turn holds while it runs; RateLimited where its caller or the agent has no more."""
        return self.limiter.turn(caller_of(connection), agent, standings(connection))

    def identified(self, connection: HTTPConnection, agent: Agent, session: str) -> dict[str, str]:
        """The header that tells an agent whose turn it is."""
        return self.identities.headers(caller_of(connection), agent.name, session)


def build_deps(settings: Settings) -> Deps:
    """The real ones, as the settings say."""
    pool = HttpPool()
    return Deps(
        settings=settings,
        pool=pool,
        directory=_directory(settings),
        decoder=Decoder(DecodeLimits(max_seconds=settings.recording_seconds)),
        transcription=transcription(settings, pool),
        synthesis=synthesis(settings, pool),
        admission=Admission(
            AdmissionLimits(settings.turns, settings.agent_turns, settings.waiting_turns, settings.turn_wait)
        ),
        authenticator=build_authenticator(settings),
        identities=build_identities(settings.identity_file, settings.identity_public_file, settings.auth_mode),
        limiter=build_limiter(settings, settings.upload_timeout + settings.turn_timeout + PLACE_SECONDS),
    )


def _directory(settings: Settings) -> Directory:
    if settings.directory == "static":
        return StaticDirectory(known_agents(settings), settings.default_agent)
    # 23 MB and 0.2 s that a laptop does without.
    from talk_gateway.directory.client import cluster_config
    from talk_gateway.directory.kubernetes import KubernetesDirectory

    return KubernetesDirectory(
        cluster_config(),
        namespace=settings.namespace,
        watched=settings.watch_namespaces,
        default_agent=settings.default_agent,
        default_voice=settings.agent_voice,
        breaker_limits=breaker_limits(settings),
    )
