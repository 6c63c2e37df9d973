"""A scripted agent in place of ADK: the agent's route, events from a list, gates where a test wants to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from talk_kit.errors import TalkError
from talk_kit.events import ReplyDelta, StageChanged, TurnCompleted, TurnEvent, TurnStarted
from talk_kit.problems import EXCEPTION_HANDLERS
from talk_kit.sse import EventStreamResponse


@dataclass
class FakeAgent:
    """`script` is what a turn does: text is said, an Event is waited for, an event is sent, an error is raised.

    A turn whose script holds no ending completes with all that was said.
    """

    script: list[str | asyncio.Event | TurnEvent | TalkError] = field(default_factory=lambda: ["Hello. ", "I am well."])
    refuse: TalkError | None = None
    ready: bool = True
    break_off: bool = False
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    closed_early: asyncio.Event = field(default_factory=asyncio.Event)

    def app(self) -> Starlette:
        routes = [Route("/v1/agents/{agent_name}/chat", self._chat, methods=["POST"]), Route("/ready", self._ready)]
        return Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS)

    async def _ready(self, _request: Request) -> Response:
        checks = [{"name": "model", "ok": self.ready, "message": "ok" if self.ready else "the model does not answer"}]
        return JSONResponse({"ready": self.ready, "checks": checks}, 200 if self.ready else 503)

    async def _chat(self, request: Request) -> Response:
        self.asked.append({**await request.json(), "agent": request.path_params["agent_name"]})
        self.headers.append(dict(request.headers))
        if self.refuse is not None:
            raise self.refuse
        return EventStreamResponse(self._turn(self.asked[-1]))

    async def _turn(self, asked: dict[str, Any]) -> AsyncGenerator[TurnEvent, None]:
        said = ""
        ended = False
        try:
            yield TurnStarted("turn", asked["session_id"], asked["agent"])
            yield StageChanged("thinking")
            self.begun.set()
            for step in self.script:
                if isinstance(step, TalkError):
                    ended = True
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                    continue
                if isinstance(step, str):
                    said += step
                yield ReplyDelta(step) if isinstance(step, str) else step
            ended = True
            if not self.break_off:
                yield TurnCompleted(said, usage={"input_tokens": 3, "output_tokens": 4})
        finally:
            if not ended:
                self.closed_early.set()
