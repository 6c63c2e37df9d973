from __future__ import annotations

import pytest
from google.adk.events.event import Event
from google.genai import types

from talk_agent.history import completed, cut

ME = "assistant"


def said(author: str, *parts: types.Part) -> Event:
    role = "user" if author == "user" else "model"
    return Event(invocation_id="i1", author=author, content=types.Content(role=role, parts=list(parts)))


def text(words: str) -> types.Part:
    return types.Part(text=words)


def call(name: str = "look") -> types.Part:
    return types.Part(function_call=types.FunctionCall(id="c1", name=name, args={}))


def response() -> Event:
    part = types.Part(function_response=types.FunctionResponse(id="c1", name="look", response={"result": "1"}))
    return Event(invocation_id="i1", author=ME, content=types.Content(role="user", parts=[part]))


QUESTION = said("user", text("How warm is it?"))


def shape(events: tuple[Event, ...]) -> list[str]:
    shown = []
    for event in events:
        assert event.content
        for part in event.content.parts or []:
            kind = "call" if part.function_call else "response" if part.function_response else part.text or ""
            shown.append(f"{event.author}: {kind}")
    return shown


@pytest.mark.parametrize(
    ("events", "unfinished", "kept"),
    [
        ([QUESTION], "", []),
        ([QUESTION], "  \n", []),
        ([], "", []),
        ([QUESTION], "It is", ["user: How warm is it?", "assistant: It is"]),
        ([QUESTION, said(ME, call())], "", []),
        ([QUESTION, said(ME, call()), response()], "", []),
        ([QUESTION, said(ME, text("Let me see."), call())], "", ["user: How warm is it?", "assistant: Let me see."]),
        (
            [QUESTION, said(ME, text("Let me see."), call()), response()],
            "",
            ["user: How warm is it?", "assistant: Let me see."],
        ),
        (
            [QUESTION, said(ME, text("Let me see."), call()), response()],
            "It is",
            [
                "user: How warm is it?",
                "assistant: Let me see.",
                "assistant: call",
                "assistant: response",
                "assistant: It is",
            ],
        ),
        (
            [QUESTION, said(ME, text("A."), call()), response(), said(ME, call()), response()],
            "",
            ["user: How warm is it?", "assistant: A."],
        ),
        ([QUESTION, said(ME, text("It is warm."))], "", ["user: How warm is it?", "assistant: It is warm."]),
    ],
)
def test_a_cut_turn_keeps_the_question_and_what_was_said(events: list[Event], unfinished: str, kept: list[str]) -> None:
    assert shape(cut(events, unfinished, ME)) == kept


def test_thoughts_are_not_something_said() -> None:
    assert cut([QUESTION, said(ME, types.Part(text="Hm", thought=True), call())], "", ME) == ()


def test_bookkeeping_is_left_out_of_a_completed_turn() -> None:
    answer = said(ME, text("Warm."))

    assert completed([QUESTION, Event(author=ME), answer]) == (QUESTION, answer)
