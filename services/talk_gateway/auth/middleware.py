"""The lock on `/v1/`. Pages, probes and metrics stay open; whether there is a route behind makes no difference."""

from __future__ import annotations

import re

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talk_gateway import metrics
from talk_gateway.auth.authenticator import Authenticator, NoCredentials
from talk_gateway.auth.identities import Identities
from talk_kit.errors import Forbidden, TalkError, Unauthenticated
from talk_kit.problems import problem

CLOSED = "/v1/"
FOR_AGENTS = re.compile(r"/v1/agents(/[^/]+/chat)?")
CHALLENGE = 'Bearer realm="talk"'
WRONG = f'{CHALLENGE}, error="invalid_token"'


class AuthMiddleware:
    """Puts the caller into the request's state, or answers for the app."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, identities: Identities) -> None:
        self.app = app
        self._authenticator = authenticator
        self._identities = identities

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(CLOSED):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        try:
            caller = self._identities.handed_back(headers) or await self._authenticator.authenticate(headers)
            if caller.via is not None and not FOR_AGENTS.fullmatch(scope["path"]):
                raise Forbidden("An agent asks other agents for text, and nothing else.")
        except TalkError as error:
            metrics.requests_rejected.labels(error.code).inc()
            await self._refuse(error, headers, scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        if caller.name:
            structlog.contextvars.bind_contextvars(caller=caller.logged)
        await self.app(scope, receive, _counting_forbidden(send))

    async def _refuse(self, error: TalkError, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        response = problem(error, headers.get("accept", ""))
        if isinstance(error, Unauthenticated):
            response.headers["WWW-Authenticate"] = CHALLENGE if isinstance(error, NoCredentials) else WRONG
        await response(scope, receive, send)


def _counting_forbidden(send: Send) -> Send:
    async def counting(message: Message) -> None:
        if message["type"] == "http.response.start" and message["status"] == Forbidden.status:
            metrics.requests_rejected.labels(Forbidden.code).inc()
        await send(message)

    return counting
