"""The speech providers that the settings name beside the one called `default`: a JSON list, as the chart writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from talk_kit.settings import http_url

DEFAULT = "default"
_MEMBERS = ("name", "baseURL", "apiKeyFile", "transcription", "speech")
_PARTS = {"transcription": ("model", "fallbacks"), "speech": ("model", "voice", "fallbacks")}


@dataclass(frozen=True, slots=True)
class NamedPart:
    """What a provider is asked for, where it differs from the default; `fallbacks` are names, the first one first."""

    model: str = ""
    voice: str = ""
    fallbacks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NamedProvider:
    """One provider. `api_key_file` is read at each call, so that a new key needs no restart."""

    name: str
    base_url: str
    api_key_file: str
    transcription: NamedPart
    speech: NamedPart


def named_providers(raw: str) -> tuple[NamedProvider, ...]:
    """`[{name, baseURL, apiKeyFile?, transcription: {model?, fallbacks?}, speech: {model?, voice?, fallbacks?}}]`."""
    try:
        members = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ValueError("give a JSON list of providers") from error
    if not isinstance(members, list):
        raise ValueError("give a JSON list of providers")
    providers = tuple(_provider(member) for member in members)
    names = [DEFAULT, *(provider.name for provider in providers)]
    if len(set(names)) < len(names):
        raise ValueError("give each provider a name of its own; `default` is that of TALK_ASR_* and TALK_TTS_*")
    return providers


def unknown_fallbacks(known: Mapping[str, tuple[str, ...]]) -> list[str]:
    """A line for each fallback that is no provider, or the provider itself. `known` is each provider's fallbacks."""
    return [
        f"The speech provider {name!r} falls back to {other!r}; known: {', '.join(sorted(known))}."
        for name, others in known.items()
        for other in others
        if other not in known or other == name
    ]


def _provider(member: object) -> NamedProvider:
    found = _checked(member, _MEMBERS, "a provider")
    name, url, key_file = (_word(found, key) for key in ("name", "baseURL", "apiKeyFile"))
    if not name:
        raise ValueError("give each provider a name")
    parts = {part: _part(found.get(part, {}), part) for part in _PARTS}
    return NamedProvider(name, http_url(url), key_file, **parts)


def _part(member: object, part: str) -> NamedPart:
    found = _checked(member, _PARTS[part], part)
    fallbacks = found.get("fallbacks", [])
    if not isinstance(fallbacks, list) or not all(isinstance(each, str) for each in fallbacks):
        raise ValueError("give fallbacks as a list of names")
    return NamedPart(_word(found, "model"), _word(found, "voice"), tuple(fallbacks))


def _checked(member: object, known: tuple[str, ...], what: str) -> Mapping[str, Any]:
    if not isinstance(member, dict) or not set(member) <= set(known):
        raise ValueError(f"give {what} as an object of {', '.join(known)}")
    return member


def _word(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name, "")
    if not isinstance(value, str):
        raise ValueError(f"give {name} as a string")
    return value
