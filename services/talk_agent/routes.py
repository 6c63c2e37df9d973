"""The agent's HTTP edge: `POST /v1/agents/{agent_name}/chat`, as JSON or as events."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_agent.gateway_only import GatewayOnly
from talk_agent.sessions.idempotency import HEADER, parse_key
from talk_agent.tools.agent_tool import CALL_PATH_HEADER
from talk_agent.turn import TurnRequest, Turns
from talk_kit import deadline
from talk_kit.bodies import JSON_SECONDS, Pace, read_body
from talk_kit.context import bind
from talk_kit.disconnect import until_disconnect
from talk_kit.errors import InvalidRequest, UnknownAgent
from talk_kit.names import AGENT_NAME, canonical_agent_name, header_of_session, session_id_of
from talk_kit.sse import EventStreamResponse

# A character takes at most 12 bytes of JSON (an escaped surrogate pair); the rest is for the other members.
_BYTES_PER_CHARACTER = 12
_OTHER_BYTES = 16_384
# More callers than ever may be in a path: what is over the limit of depth is the tool's to refuse.
_LONGEST_PATH = 16


@dataclass(frozen=True, slots=True)
class _Body:
    message: str
    session_id: str | None
    stream: bool


class ChatRoute:
    """The route of one agent. `message_length` is in code points, `longest` the seconds of a turn and its waits."""

    def __init__(self, *, agent: str, turns: Turns, message_length: int, longest: float, gateway: GatewayOnly) -> None:
        self._agent = agent
        self._turns = turns
        self._message_length = message_length
        self._longest = longest
        self._gateway = gateway

    def route(self) -> Route:
        """The entry of the table of routes."""
        return Route("/v1/agents/{agent_name}/chat", self.chat, methods=["POST"])

    async def chat(self, request: Request) -> Response | EventStreamResponse:
        """One turn. What is refused has its status on both forms; a client that goes away cancels the turn."""
        name = request.path_params["agent_name"]
        if canonical_agent_name(name) != self._agent:
            raise UnknownAgent(name, [self._agent])
        asked = self._gateway.asked(request)
        deadline.begin(request.headers.get(deadline.HEADER), self._longest)
        raw = await read_body(request, self._message_length * _BYTES_PER_CHARACTER + _OTHER_BYTES, Pace(JSON_SECONDS))
        body = _parse(raw, self._message_length)
        session_id = session_id_of(request.headers.get("x-session-id"), body.session_id)
        bind(agent_name=self._agent, session_id=session_id)
        asked.require_session(session_id)
        path = asked.identity.path if asked.identity else _call_path(request.headers.get(CALL_PATH_HEADER))
        key = parse_key(request.headers.getlist(HEADER))
        turn = TurnRequest(session_id, body.message, path, key, asked.caller, asked.token)
        headers = header_of_session(session_id)
        if body.stream or "text/event-stream" in request.headers.get("accept", "").lower():
            return EventStreamResponse(self._turns.events(turn), headers)
        return await until_disconnect(request.receive, self._answer(turn, headers))

    async def _answer(self, turn: TurnRequest, headers: dict[str, str]) -> Response:
        completed = await self._turns.complete(turn)
        state = await self._turns.state(turn.session_id, turn.caller)
        body = {"reply": completed.reply, "state": state, "session_id": turn.session_id}
        return Response(
            orjson.dumps(body, default=str),
            media_type="application/json",
            headers={"Cache-Control": "no-store", **headers},
        )


def _parse(raw: bytes, message_length: int) -> _Body:
    try:
        members = orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise InvalidRequest("The body is not JSON in UTF-8.") from None
    if not isinstance(members, dict):
        raise InvalidRequest("The body is a JSON object with a message.")
    session_id, stream = members.get("session_id"), members.get("stream")
    if session_id is not None and not isinstance(session_id, str):
        raise InvalidRequest("session_id is a string.")
    if stream is not None and not isinstance(stream, bool):
        raise InvalidRequest("stream is true or false.")
    return _Body(_message(members.get("message"), message_length), session_id, stream or False)


def _message(message: object, longest: int) -> str:
    if not isinstance(message, str) or not message.strip():
        raise InvalidRequest("The body needs a message, which is a text that is not blank.")
    if len(message) > longest:
        raise InvalidRequest(f"The message has {len(message)} characters; at most {longest} are allowed.")
    return message


def _call_path(header: str | None) -> tuple[str, ...]:
    path = tuple(name.strip() for name in (header or "").split(",") if name.strip())
    if len(path) > _LONGEST_PATH or not all(AGENT_NAME.fullmatch(name) for name in path):
        raise InvalidRequest(f"{CALL_PATH_HEADER} lists agents by name, separated by commas.")
    return path
