"""The speech providers as the settings say: by name, each with those that take its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from talk_gateway import metrics
from talk_gateway.providers.asr import Transcriber
from talk_gateway.providers.endpoint import Endpoint, Waits, key_file
from talk_gateway.providers.named import DEFAULT, NamedProvider, unknown_fallbacks
from talk_gateway.providers.tts import Synthesizer
from talk_gateway.settings import ASR_MODEL, OPENAI_BASE_URL, TTS_MODEL, TTS_VOICE, Settings
from talk_kit.breaker import BreakerLimits
from talk_kit.errors import CircuitOpen, Unavailable
from talk_kit.guard import Guard
from talk_kit.http_client import HttpPool
from talk_kit.retry import Retries, RetryLimits
from talk_kit.settings import SettingsError


class Provider(Protocol):
    """One provider of a service."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it is."""


P = TypeVar("P", bound=Provider)


@dataclass(frozen=True, slots=True)
class Chains(Generic[P]):
    """The providers of one service by name. `fallbacks` has the names that come after each, the first one first."""

    service: str
    by_name: Mapping[str, P]
    fallbacks: Mapping[str, tuple[str, ...]]

    def of(self, name: str) -> tuple[P, ...]:
        """The provider of that name and its fallbacks. Unavailable where the gateway has none of that name."""
        if name not in self.by_name:
            known = ", ".join(sorted(self.by_name))
            raise Unavailable(f"The agent names the speech provider {name!r}; this gateway has: {known}.")
        return (self.by_name[name], *(self.by_name[other] for other in self.fallbacks[name]))

    def require(self, name: str) -> None:
        """CircuitOpen where no provider of the chain may be asked now: a turn would only fail later."""
        guards = [provider.endpoint.guard for provider in self.of(name)]
        wait = min(guard.retry_after for guard in guards)
        if wait > 0:
            raise CircuitOpen(f"{guards[0].name} failed lately and is left alone for a moment.", retry_after=wait)


def transcription(settings: Settings, pool: HttpPool) -> Chains[Transcriber]:
    """The providers of speech recognition."""
    # The answer comes as a whole: its first byte is its last.
    waits = Waits(settings.connect_timeout, *(settings.asr_timeout,) * 3)
    url, key = _address(settings.asr_base_url, settings.asr_api_key, settings.openai_api_key)
    own = _key(settings.asr_api_key_file, key)
    make = _maker(settings, waits, "asr", "The speech recognition")
    found = {DEFAULT: Transcriber(pool, make(DEFAULT, "TALK_ASR_BASE_URL", url, settings.asr_model, own))}
    fallbacks = {DEFAULT: settings.asr_fallbacks}
    for each in settings.speech_providers:
        endpoint = make(each.name, *_where(each), each.transcription.model or ASR_MODEL, _key(each.api_key_file))
        found[each.name] = Transcriber(pool, endpoint)
        fallbacks[each.name] = each.transcription.fallbacks
    return _chains("asr", found, fallbacks)


def synthesis(settings: Settings, pool: HttpPool) -> Chains[Synthesizer]:
    """The providers of speech synthesis."""
    waits = Waits(
        settings.connect_timeout, settings.tts_first_timeout, settings.tts_timeout, settings.tts_total_timeout
    )
    url, key = _address(settings.tts_base_url, settings.tts_api_key, settings.openai_api_key)
    own = _key(settings.tts_api_key_file, key)
    make = _maker(settings, waits, "tts", "The speech synthesis")
    default = make(DEFAULT, "TALK_TTS_BASE_URL", url, settings.tts_model, own)
    found = {DEFAULT: Synthesizer(pool, default, settings.tts_voice)}
    fallbacks = {DEFAULT: settings.tts_fallbacks}
    for each in settings.speech_providers:
        endpoint = make(each.name, *_where(each), each.speech.model or TTS_MODEL, _key(each.api_key_file))
        found[each.name] = Synthesizer(pool, endpoint, each.speech.voice or TTS_VOICE)
        fallbacks[each.name] = each.speech.fallbacks
    return _chains("tts", found, fallbacks)


def breaker_limits(settings: Settings) -> BreakerLimits:
    """When an endpoint is left alone, and for how long."""
    return BreakerLimits(failures=settings.breaker_failures, open_seconds=settings.breaker_seconds)


MakeEndpoint = Callable[[str, str, str, str, Callable[[], str]], Endpoint]


def _maker(settings: Settings, waits: Waits, service: str, what: str) -> MakeEndpoint:
    def make(provider: str, setting: str, url: str, model: str, key: Callable[[], str]) -> Endpoint:
        target = f"{service}:{provider}"
        name = what if provider == DEFAULT else f"{what} ({provider})"
        retries = Retries(
            RetryLimits(attempts=1 + settings.retries), on_retry=lambda _: metrics.retries.labels(target).inc()
        )
        guard = Guard(target, name, breaker_limits(settings), retries, on_change=metrics.breaker_changed)
        metrics.watch_breaker(target, lambda: guard.state)
        metrics.retries.labels(target)
        return Endpoint(provider, name, setting, url, model, waits, guard, key)

    return make


def _chains(service: str, found: Mapping[str, P], fallbacks: Mapping[str, tuple[str, ...]]) -> Chains[P]:
    if problems := unknown_fallbacks(fallbacks):
        raise SettingsError(problems)
    metrics.prepare_fallbacks(service, {other for others in fallbacks.values() for other in others})
    return Chains(service, found, fallbacks)


def _where(provider: NamedProvider) -> tuple[str, str]:
    return "TALK_SPEECH_PROVIDERS", provider.base_url


def _key(file: str, key: str = "") -> Callable[[], str]:
    return key_file(Path(file)) if file else lambda: key


def _address(base_url: str, api_key: str, openai_api_key: str) -> tuple[str, str]:
    """An endpoint and its own key; OpenAI's key goes to OpenAI only."""
    if base_url:
        return base_url, api_key
    key = api_key or openai_api_key
    return (OPENAI_BASE_URL, key) if key else ("", "")
