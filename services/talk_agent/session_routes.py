"""`GET` and `DELETE /v1/agents/{agent_name}/sessions/{session_id}`: what is kept of one session, and its end.

For whoever may reach the agent itself: the gateway passes neither on while callers are not told apart, and no route
lists sessions, as an id is all that a caller needs to go on with one.
"""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_agent.gateway_only import GatewayOnly
from talk_agent.sessions.export import deleted, exported
from talk_agent.sessions.port import SessionStore, TurnLock
from talk_kit.errors import UnknownAgent
from talk_kit.names import canonical_agent_name, check_session_id

PATH = "/v1/agents/{agent_name}/sessions/{session_id}"


class SessionRoutes:
    """The routes of one agent."""

    def __init__(self, *, agent: str, store: SessionStore, lock: TurnLock, gateway: GatewayOnly) -> None:
        self._agent = agent
        self._store = store
        self._lock = lock
        self._gateway = gateway

    def routes(self) -> list[Route]:
        """The entries of the table of routes."""
        return [
            Route(PATH, self._export, methods=["GET"]),
            Route(PATH, self._delete, methods=["DELETE"]),
        ]

    async def _export(self, request: Request) -> Response:
        body = await exported(self._store, *self._asked(request))
        return Response(
            orjson.dumps(body, default=str), media_type="application/json", headers={"Cache-Control": "no-store"}
        )

    async def _delete(self, request: Request) -> Response:
        await deleted(self._store, self._lock, *self._asked(request))
        return Response(status_code=204)

    def _asked(self, request: Request) -> tuple[str, str]:
        """The session, and whose it is."""
        name = request.path_params["agent_name"]
        if canonical_agent_name(name) != self._agent:
            raise UnknownAgent(name, [self._agent])
        asked = self._gateway.asked(request)
        session_id = check_session_id(request.path_params["session_id"])
        asked.require_session(session_id)
        return session_id, asked.caller
