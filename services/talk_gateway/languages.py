"""Languages of speech: BCP-47 tags, and upstream's names as aliases."""

from __future__ import annotations

from collections.abc import Iterable

from talk_kit.errors import InvalidRequest

ALIASES = {
    "arabic": "ar",
    "assamese": "as",
    "bengali": "bn",
    "english": "en",
    "french": "fr",
    "german": "de",
    "gujarati": "gu",
    "hindi": "hi",
    "japanese": "ja",
    "kannada": "kn",
    "malayalam": "ml",
    "marathi": "mr",
    "nepali": "ne",
    "odia": "or",
    "punjabi": "pa",
    "sanskrit": "sa",
    "sindhi": "sd",
    "spanish": "es",
    "tamil": "ta",
    "telugu": "te",
    "urdu": "ur",
}


def accepted_language(raw: str | None, allowed: Iterable[str]) -> str | None:
    """The tag, canonical in case, or None where none was given. InvalidRequest lists the allowed ones.

    `en-IN` is accepted where `en` is; `kannada` is `kn`.
    """
    if raw is None or not raw.strip():
        return None
    tag = ALIASES.get(raw.strip().lower(), raw.strip().replace("_", "-"))
    primary, *rest = tag.split("-")
    known = {language.lower() for language in allowed}
    if primary.lower() not in known and tag.lower() not in known:
        listed = ", ".join(sorted(known))
        raise InvalidRequest(f"The language {raw[:40]!r} is not offered. Offered: {listed}.")
    return "-".join([primary.lower(), *(part.upper() if len(part) == 2 else part for part in rest)])


def primary_subtag(tag: str | None) -> str | None:
    """`en` of `en-IN`: what OpenAI-compatible ASR endpoints take (ISO 639-1)."""
    return tag.partition("-")[0] if tag else None
