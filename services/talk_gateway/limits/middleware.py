"""Addresses are counted before credentials are looked at; every answer tells how the limits stand that it met."""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talk_gateway.auth.middleware import CLOSED
from talk_gateway.limits.address import Network, client_address, subject
from talk_gateway.limits.limiter import Limiter
from talk_gateway.limits.rules import Standing, headers
from talk_kit.errors import TalkError
from talk_kit.problems import problem

_KEY = "talk_limits"


def standings(connection: HTTPConnection) -> list[Standing]:
    """Where a request's limits are told, for its answer."""
    told: list[Standing] = connection.scope.setdefault("state", {}).setdefault(_KEY, [])
    return told


class LimitMiddleware:
    """Counts requests under `/v1/` by address, behind the proxies that are trusted."""

    def __init__(self, app: ASGIApp, limiter: Limiter, trusted: tuple[Network, ...]) -> None:
        self.app = app
        self._limiter = limiter
        self._trusted = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(CLOSED):
            await self.app(scope, receive, send)
            return
        told: list[Standing] = []
        scope.setdefault("state", {})[_KEY] = told

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers(told))
            await send(message)

        asked = Headers(scope=scope)
        try:
            await self._limiter.request(self._subject(scope, asked), told)
        except TalkError as error:
            await problem(error, asked.get("accept", ""))(scope, receive, telling)
            return
        await self.app(scope, receive, telling)

    def _subject(self, scope: Scope, asked: Headers) -> str:
        peer = scope["client"][0] if scope.get("client") else None
        address = client_address(peer, asked.getlist("x-forwarded-for"), self._trusted)
        return subject(address) if address else ""
