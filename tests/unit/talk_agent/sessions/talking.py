"""Turns for tests of stores."""

from __future__ import annotations

from typing import Any

from google.adk.events.event import Event
from google.genai import types

from talk_agent.sessions.port import Conversation, Turn

CALL = types.FunctionCall(id="c1", name="look_up", args={"q": "sun"})
RESULT = types.FunctionResponse(id="c1", name="look_up", response={"found": True})


def event(author: str, *parts: types.Part) -> Event:
    role = "user" if author == "user" else "model"
    return Event(author=author, invocation_id="i", content=types.Content(role=role, parts=list(parts)))


def turn(question: str, answer: str = "yes") -> Turn:
    return (event("user", types.Part(text=question)), event("agent", types.Part(text=answer)))


def tool_turn(question: str) -> Turn:
    """A question, a tool's call, its result, the answer."""
    return (
        event("user", types.Part(text=question)),
        event("agent", types.Part(function_call=CALL)),
        event("agent", types.Part(function_response=RESULT)),
        event("agent", types.Part(text="found")),
    )


def texts(conversation: Conversation) -> list[Any]:
    """What was said, in order."""
    return [part.text for each in conversation.events for part in each.content.parts if part.text]  # type: ignore[union-attr]


def questions(conversation: Conversation) -> list[Any]:
    """The first words of each turn."""
    return [each[0].content.parts[0].text for each in conversation.turns]  # type: ignore[union-attr, index]
