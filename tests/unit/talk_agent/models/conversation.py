"""A model through ADK's Runner, as the agent runs it, with tools that count their calls."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from google.adk.agents import LlmAgent
from google.adk.agents.run_config import RunConfig, StreamingMode  # type: ignore[attr-defined]
from google.adk.events import Event
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import Runner
from google.adk.sessions import InMemorySessionService
from google.genai import types

from talk_kit.errors import TalkError


@dataclass
class Turn:
    """What one turn gave."""

    text: str = ""
    error: TalkError | None = None
    events: list[Event] = field(default_factory=list)

    @property
    def last(self) -> Event:
        """The last event that is whole."""
        return [event for event in self.events if not event.partial][-1]


class Conversation:
    """One session."""

    def __init__(self, model: BaseLlm) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self._sessions = InMemorySessionService()
        agent = LlmAgent(name="bot", model=model, instruction="Answer.", tools=[self.weather, self.clock, self.now])
        self._runner = Runner(app_name="a", agent=agent, session_service=self._sessions, auto_create_session=True)

    def weather(self, city: str) -> dict[str, str]:
        """The weather of a city."""
        self.calls.append(("weather", {"city": city}))
        return {"sky": "one\u2028two\x85three"}

    def clock(self, zone: str) -> dict[str, str]:
        """The time in a zone."""
        self.calls.append(("clock", {"zone": zone}))
        return {"time": "12:00"}

    def now(self) -> dict[str, str]:
        """The time here."""
        self.calls.append(("now", {}))
        return {"time": "12:00"}

    async def say(self, message: str = "Hello?") -> Turn:
        """Runs a turn to its end."""
        turn = Turn()
        events = self._runner.run_async(
            user_id="u",
            session_id="s",
            new_message=types.Content(role="user", parts=[types.Part(text=message)]),
            run_config=RunConfig(streaming_mode=StreamingMode.SSE, max_llm_calls=4),
        )
        try:
            async with aclosing(events):
                async for event in events:
                    turn.events.append(event)
                    turn.text += _text(event) if event.partial else ""
        except TalkError as error:
            turn.error = error
        return turn

    async def stored(self) -> list[str]:
        """The texts of the model that the session holds."""
        session = await self._sessions.get_session(app_name="a", user_id="u", session_id="s")
        assert session is not None
        return [_text(event) for event in session.events if event.author == "bot" and _text(event)]


async def answers(model: BaseLlm, message: str = "Hello?", *, stream: bool = True) -> list[LlmResponse]:
    """A model asked without a runner."""
    contents = [types.Content(role="user", parts=[types.Part(text=message)])]
    found = model.generate_content_async(LlmRequest(contents=contents), stream)
    async with aclosing(found):
        return [answer async for answer in found]


def texts(found: list[LlmResponse]) -> str:
    """The text of the partial answers."""
    return "".join(_text(answer) for answer in found if answer.partial)


def _text(answer: LlmResponse) -> str:
    parts = answer.content.parts if answer.content else None
    return "".join(part.text or "" for part in parts or [])
