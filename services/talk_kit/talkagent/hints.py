"""What the author most likely meant."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from typing import Any

from talk_kit.talkagent.names import LONGEST_NAME, suggested_name
from talk_kit.talkagent.problem import LONGEST_SHOWN, Path, dotted

_LANGUAGES = {
    "english": "en", "german": "de", "french": "fr", "spanish": "es", "hindi": "hi", "kannada": "kn",
    "tamil": "ta", "telugu": "te", "malayalam": "ml", "marathi": "mr", "bengali": "bn", "gujarati": "gu",
    "punjabi": "pa", "odia": "or", "urdu": "ur", "norwegian": "'no'", "chinese": "zh", "japanese": "ja",
    "portuguese": "pt", "italian": "it", "dutch": "nl", "polish": "pl", "russian": "ru", "arabic": "ar",
}  # fmt: skip
LATER_TOOLS = ("mcp", "openapi")
_RENAMED = {
    ("spec", "podTemplate"): "use pod",
    ("spec", "template"): "use pod",
    ("spec", "env"): "use pod.env",
    ("spec", "minReplicas"): "use autoscaling.minReplicas",
    ("spec", "maxReplicas"): "use autoscaling.maxReplicas",
    ("spec", "prompt"): "use instruction",
    ("spec", "systemPrompt"): "use instruction",
    ("spec", "systemMessage"): "use instruction",
    ("model", "apiKey"): "keys never stand in a TalkAgent; use apiKeySecretRef: {name, key}",
    ("model", "url"): "use baseURL",
    **{("tools", kind): "it is not there yet; today a tool is agent: {name: ...}" for kind in LATER_TOOLS},
    ("pod", "containers"): "the containers stay Talk's; bring an image of your own with spec.image",
    ("pod", "resources"): "use spec.resources",
}
_MOST_LISTED = 20


def unknown_field(path: Path, allowed: Mapping[str, Any], places: Mapping[str, list[str]]) -> str:
    """What to write instead of a field that the schema does not know. `places` says where a name is known."""
    name = str(path[-1])[:LONGEST_SHOWN]
    parent = next((part for part in reversed(path[:-1]) if isinstance(part, str)), "")
    if hint := _RENAMED.get((parent, name)):
        return hint
    lower = {known.lower(): known for known in allowed}
    if near := difflib.get_close_matches(name.lower(), lower, n=1, cutoff=0.7):
        return f"did you mean {lower[near[0]]}?"
    if places.get(name):
        return f"did you mean {places[name][0]}?"
    if any(known.lower().startswith(name.lower()[:6]) for known in allowed) and len(name) > 5:
        return f"did you mean {next(k for k in allowed if k.lower().startswith(name.lower()[:6]))}?"
    listed = list(allowed)[:_MOST_LISTED]
    return f"allowed: {', '.join(listed)}" if listed else "nothing is allowed here"


def bad_name(name: str) -> str:
    """Why a name is refused, and the nearest legal one."""
    reason = f"it has {len(name)} characters; " if len(name) > LONGEST_NAME else ""
    better = suggested_name(name)
    return reason + (f"use {better}" if better else "")


def bad_value(path: Path, value: str) -> str:
    """A remedy for a string that its field refuses, or an empty string. Never repeats what may be a secret."""
    keys = [part for part in path if isinstance(part, str)]
    for field, hint in _HINTS.items():
        if dotted(tuple(keys)).endswith(field):
            return hint(value)
    return ""


def bad_duration(text: str) -> str:
    """A remedy for what is no duration."""
    text = text.strip()
    if re.fullmatch(r"[0-9]+([.][0-9]+)?", text):
        return f"a number needs its unit: write {text}s"
    if match := re.fullmatch(r"([0-9]+) *d(ays?)?", text):
        return f"days are written as hours: {int(match[1][:6]) * 24}h"
    if match := re.fullmatch(r"([0-9]+) *(seconds?|secs?|minutes?|mins?|hours?|hrs?|[SMH])", text):
        return f"write {match[1]}{match[2][0].lower()}"
    if text.startswith("-"):
        return "it cannot be negative"
    return ""


def _language(value: str) -> str:
    if code := _LANGUAGES.get(value.lower()):
        return f"use {code}"
    if re.fullmatch(r"[A-Za-z]{2,3}(_[A-Za-z0-9]+)+(\.[A-Za-z0-9-]+)?", value):
        return f"use {value.split('.', 1)[0].replace('_', '-')}"
    return "leave it out for any language" if value in ("auto", "any", "*", "") else ""


def _base_url(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if not separator:
        return "put http:// or https:// in front"
    if scheme.lower() not in ("http", "https"):
        return "only http and https are allowed"
    if "@" in rest.split("/", 1)[0]:
        return "user and password do not belong here; use apiKeySecretRef"
    if "?" in rest or "#" in rest:
        return "leave out what begins with ? or #; a key goes into apiKeySecretRef"
    return ""


def _model(value: str) -> str:
    if "/" not in value and re.fullmatch(r"[A-Za-z0-9._:-]{1,80}", value):
        return f"put the provider in front, such as openai/{value}"
    return ""


def _instruction(value: str) -> str:
    return "" if value.strip() else "it is blank"


_HINTS: dict[str, Callable[[str], str]] = {
    "metadata.name": bad_name,
    "spec.instruction": _instruction,
    "agent.name": bad_name,
    "voice.language": _language,
    "baseURL": _base_url,
    "model.name": _model,
    "fallbacks.name": _model,
}
