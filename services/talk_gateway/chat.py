"""Text turns: `POST /v1/chat` and `POST /v1/agents/{agent_name}/chat`."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import cast

import orjson
from starlette.requests import Request
from starlette.responses import Response

from talk_gateway.agents_client import TurnRequest, agent_turn
from talk_gateway.auth import caller_of
from talk_gateway.deps import Deps
from talk_gateway.directory import Agent
from talk_gateway.folding import FoldedTurn, fold
from talk_gateway.observing import observed, refusals
from talk_gateway.requests import ChatRequest, parse_agent_chat, parse_chat
from talk_gateway.running import RunningTurn, running_turn
from talk_gateway.voice_turn import VoiceEvent
from talk_kit import deadline
from talk_kit.context import bind
from talk_kit.disconnect import until_disconnect
from talk_kit.events import TurnEvent
from talk_kit.names import header_of_session
from talk_kit.sse import EventStreamResponse


async def chat(request: Request) -> Response:
    """`{text, mode, agent_name?, session_id?, stream?}` -> `{user, reply, session_id, state?}` or events."""
    deps: Deps = request.app.state.deps
    deadline.begin(request.headers.get(deadline.HEADER), deps.settings.turn_timeout)
    turn = await parse_chat(request, deps.visible(request), deps.settings.text_length)
    return await _answer(request, deps, turn, {"user": turn.text})


async def agent_chat(request: Request) -> Response:
    """`{session_id?, message}` -> `{reply, state, session_id}` or events."""
    deps: Deps = request.app.state.deps
    deadline.begin(request.headers.get(deadline.HEADER), deps.settings.turn_timeout)
    turn = await parse_agent_chat(request, deps.visible(request), deps.settings.text_length)
    return await _answer(request, deps, turn, {"state": {}})


async def _answer(request: Request, deps: Deps, turn: ChatRequest, members: dict[str, object]) -> Response:
    bind(agent_name=turn.agent.name, session_id=turn.session_id)
    running = running_turn(request)
    with refusals(agent=turn.agent.name, kind="chat"):
        turn.agent.require()
        await running.hold(deps.limited(request, turn.agent))
        await running.hold(deps.admission.place(turn.agent.name))
    identity = deps.identified(request, turn.agent, turn.session_id)
    asked = TurnRequest(turn.session_id, turn.text, turn.headers | identity)
    events = deps.limiter.charged(_events(deps, turn.agent, asked, running), caller_of(request), turn.agent)
    headers = header_of_session(turn.session_id)
    if turn.stream:
        return EventStreamResponse(cast(AsyncGenerator[TurnEvent, None], events), headers)
    folded = await until_disconnect(request.receive, fold(events))
    return json_answer({**members, **text_members(turn.session_id, folded)}, headers)


def _events(deps: Deps, agent: Agent, asked: TurnRequest, running: RunningTurn) -> AsyncGenerator[VoiceEvent, None]:
    events = cast(AsyncGenerator[VoiceEvent, None], agent_turn(deps.pool, agent, asked))
    return observed(running.events(events), agent=agent.name, kind="chat")


def text_members(session_id: str, folded: FoldedTurn) -> dict[str, object]:
    """What every JSON answer of a turn says."""
    return {
        "reply": folded.reply,
        "session_id": session_id,
        "finish_reason": folded.finish_reason,
        "usage": folded.usage,
        "timings": folded.timings,
    }


def json_answer(body: dict[str, object], headers: dict[str, str]) -> Response:
    """A JSON answer that no cache keeps."""
    return Response(orjson.dumps(body), media_type="application/json", headers={"Cache-Control": "no-store", **headers})
