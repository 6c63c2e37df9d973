"""What every way to authenticate has in common."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Protocol

from starlette.datastructures import Headers

from talk_gateway.auth.caller import ANONYMOUS, Caller
from talk_kit.errors import Unauthenticated
from talk_kit.health import Check
from talk_kit.http_client import HttpPool

# Longer than any token that fits through common proxies.
LONGEST_CREDENTIAL = 16_384


class NoCredentials(Unauthenticated):
    """None were sent. Told apart for `WWW-Authenticate`: only a wrong token has an error there (RFC 6750, 3.1)."""


class Authenticator(Protocol):
    """One way to find out who calls."""

    async def authenticate(self, headers: Headers) -> Caller:
        """The caller. Raises Unauthenticated, or Unavailable where it cannot be known now."""
        ...

    def checks(self) -> list[Check]:
        """What the gateway's health shows of it."""
        ...

    def running(self, pool: HttpPool) -> AbstractAsyncContextManager[None]:
        """Keeps what it compares with current inside this block."""
        ...


class Anonymous:
    """`auth.mode: none`: everyone may, and nobody is told apart."""

    async def authenticate(self, headers: Headers) -> Caller:  # noqa: ARG002 - as every Authenticator
        return ANONYMOUS

    def checks(self) -> list[Check]:
        return []

    def running(self, pool: HttpPool) -> AbstractAsyncContextManager[None]:  # noqa: ARG002
        return nullcontext()


def credential(headers: Headers) -> str:
    """What `Authorization: Bearer` or `X-API-Key` holds. Unauthenticated where that is nothing, or not one thing."""
    found = {raw.strip() for raw in headers.getlist("x-api-key")}
    for raw in headers.getlist("authorization"):
        scheme, _, token = raw.strip().partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("Send Authorization: Bearer, or X-API-Key.")
        found.add(token.strip())
    found.discard("")
    if not found:
        raise NoCredentials("Send credentials: Authorization: Bearer, or X-API-Key.")
    if len(found) > 1:
        raise Unauthenticated("The request has several credentials that differ; send one.")
    (only,) = found
    if len(only) > LONGEST_CREDENTIAL:
        raise Unauthenticated("These credentials are not valid.")
    return only
