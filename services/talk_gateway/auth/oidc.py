"""`auth.mode: oidc`: callers by bearer tokens (JWT) that an OpenID Connect issuer has signed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError
from starlette.datastructures import Headers

from talk_gateway.auth.authenticator import credential
from talk_gateway.auth.caller import Caller
from talk_gateway.auth.signing_keys import SigningKeys
from talk_kit.errors import Unauthenticated
from talk_kit.health import Check
from talk_kit.http_client import HttpPool
from talk_kit.logs import get_logger
from talk_kit.names import canonical_agent_name

log = get_logger(__name__)

LONGEST_NAME = 255
NOT_VALID = "The token is not valid."


@dataclass(frozen=True, slots=True)
class OidcRules:
    """What a token must be. `leeway` is in seconds; `agents_claim` empty is every agent."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    leeway: float = 30.0
    caller_claim: str = "sub"
    agents_claim: str = ""


class Oidc:
    """Checks tokens by the issuer's published keys. `clock` is the time of day in seconds."""

    def __init__(self, rules: OidcRules, keys: SigningKeys, clock: Callable[[], float] = time.time) -> None:
        self._rules = rules
        self._keys = keys
        self._clock = clock

    async def authenticate(self, headers: Headers) -> Caller:
        token = credential(headers)
        try:
            header = jws.extract_compact(token.encode()).headers()
            kid, algorithm = header.get("kid", ""), header.get("alg")
            # Before any key is looked up: an algorithm that is not allowed never meets one.
            if algorithm not in self._rules.algorithms or not isinstance(kid, str):
                raise Unauthenticated(NOT_VALID)
            key = await self._keys.find(kid)
            if key is None:
                raise Unauthenticated("The token was signed with a key that its issuer does not publish.")
            claims = jwt.decode(token, key, algorithms=list(self._rules.algorithms)).claims
            self._registry().validate(claims)
        except ExpiredTokenError:
            raise Unauthenticated("The token has expired.") from None
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            log.info("token_refused", kind=type(error).__name__)
            raise Unauthenticated(NOT_VALID) from None
        return self._caller(claims)

    def checks(self) -> list[Check]:
        """Shown only: the page and the probes stay reachable while the issuer is away."""
        return [Check("token-issuer", self._keys.check, interval=15.0, required=False)]

    def running(self, pool: HttpPool) -> AbstractAsyncContextManager[None]:
        return self._keys.running(pool)

    def _registry(self) -> jwt.JWTClaimsRegistry:
        rules = self._rules
        return jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=int(rules.leeway),
            iss={"essential": True, "value": rules.issuer},
            aud={"essential": True, "value": rules.audience},
            exp={"essential": True},
        )

    def _caller(self, claims: Mapping[str, Any]) -> Caller:
        name = claims.get(self._rules.caller_claim)
        if not isinstance(name, str) or not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
            raise Unauthenticated(f"The token has no {self._rules.caller_claim} that names a caller.")
        if not self._rules.agents_claim:
            return Caller(f"oidc:{name}")
        return Caller(f"oidc:{name}", _agents(claims.get(self._rules.agents_claim)))


def _agents(claim: Any) -> frozenset[str]:
    """A list of names, or one text with spaces between them; anything else is no agent at all."""
    names = claim.split() if isinstance(claim, str) else claim
    if not isinstance(names, list):
        return frozenset()
    return frozenset(canonical_agent_name(name) for name in names if isinstance(name, str))
