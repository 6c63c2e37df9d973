"""The settings of authentication: a part of the gateway's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from talk_gateway.limits.settings import LimitSettings
from talk_kit.settings import http_url, one_of, seconds, setting, words

# Signed with a key that its owner alone has: no `none`, and no HS*, whose keys whoever checks could also sign with.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def algorithms(raw: str) -> tuple[str, ...]:
    """A comma separated list of those that are allowed."""
    given = words(raw)
    if not given or not set(given) <= set(ALGORITHMS):
        raise ValueError(f"give some of {', '.join(ALGORITHMS)}")
    return given


def trusted_url(raw: str) -> str:
    """An https URL, as it is; http on this machine and within a cluster only. Whoever answers decides who is let in."""
    host = urlsplit(http_url(raw)).hostname or ""
    if not raw.startswith("https://") and host not in LOOPBACK and not host.endswith((".svc", ".svc.cluster.local")):
        raise ValueError("give an https:// URL")
    return raw


@dataclass(frozen=True, slots=True)
class AuthSettings(LimitSettings):
    """Who may call, and, by what it stands on, how much."""

    auth_mode: str = setting(
        "TALK_AUTH_MODE",
        "none",
        doc="Who may call /v1/: `none` is everyone who reaches the port, `apiKey` the keys of TALK_AUTH_FILE, "
        "`oidc` tokens of TALK_OIDC_ISSUER.",
        parse=one_of("none", "apikey", "oidc"),
    )
    auth_file: Path | None = setting(  # noqa: RUF009 - frozen, as all settings
        "TALK_AUTH_FILE",
        None,
        doc="File of named keys (`talk keys` writes it); a change counts within seconds.",
        parse=Path,
    )
    identity_file: Path | None = setting(  # noqa: RUF009
        "TALK_IDENTITY_FILE",
        None,
        doc="Private key (PEM, Ed25519) that signs, for agents, who calls. Without it they know sessions only.",
        parse=Path,
    )
    identity_public_file: Path | None = setting(  # noqa: RUF009
        "TALK_IDENTITY_PUBLIC_FILE",
        None,
        doc="Public keys (PEM) of those that signed before, while agents still use what they signed.",
        parse=Path,
    )
    oidc_issuer: str | None = setting(
        "TALK_OIDC_ISSUER", None, doc="Who signs tokens: the `iss` of each, as it is written there.", parse=trusted_url
    )
    oidc_audience: str = setting("TALK_OIDC_AUDIENCE", "", doc="The `aud` that a token must have.")
    oidc_jwks_url: str | None = setting(
        "TALK_OIDC_JWKS_URL",
        None,
        doc="Where the issuer's keys are, if not where its discovery document says.",
        parse=trusted_url,
    )
    oidc_algorithms: tuple[str, ...] = setting(
        "TALK_OIDC_ALGORITHMS", ("RS256", "ES256"), doc="Algorithms of signatures that are accepted.", parse=algorithms
    )
    oidc_leeway: float = setting(
        "TALK_OIDC_LEEWAY_SECONDS",
        30.0,
        unit="seconds",
        doc="How far the issuer's clock and ours may be apart.",
        parse=seconds(0, 300),
    )
    oidc_caller_claim: str = setting("TALK_OIDC_CALLER_CLAIM", "sub", doc="The claim that names the caller.")
    oidc_agents_claim: str = setting(
        "TALK_OIDC_AGENTS_CLAIM",
        "",
        doc="The claim with the agents that a caller may use: a list, or names with spaces between. Without it, all.",
    )
