from __future__ import annotations

from collections.abc import Iterable

import pytest
from google.adk.events.event import Event
from google.genai import types

from talk_agent.progress import MESSAGE_BREAK, Progress
from talk_kit.errors import ContentFiltered, EmptyReply, ProviderFailed, TalkError
from talk_kit.events import ReplyDelta, ToolCompleted, ToolStarted, TurnEvent

STOP = types.FinishReason.STOP


def partial(text: str, *, thought: bool = False) -> Event:
    part = types.Part(text=text, thought=thought or None)
    return Event(author="a", partial=True, content=types.Content(role="model", parts=[part]))


def whole(*parts: types.Part, finish: types.FinishReason | None = STOP, tokens: tuple[int, int] = (0, 0)) -> Event:
    usage = types.GenerateContentResponseUsageMetadata(prompt_token_count=tokens[0], candidates_token_count=tokens[1])
    content = types.Content(role="model", parts=list(parts)) if parts else None
    return Event(author="a", content=content, finish_reason=finish, usage_metadata=usage)


def text(words: str) -> types.Part:
    return types.Part(text=words)


def call(call_id: str = "c1", name: str = "ask") -> types.Part:
    return types.Part(function_call=types.FunctionCall(id=call_id, name=name, args={}))


def answered(response: dict[str, object], call_id: str = "c1") -> Event:
    function_response = types.FunctionResponse(id=call_id, name="ask", response=response)
    parts = [types.Part(function_response=function_response)]
    return Event(author="a", content=types.Content(role="user", parts=parts))


class Clock:
    def __init__(self) -> None:
        self.now = 10.0

    def __call__(self) -> float:
        return self.now


def play(progress: Progress, events: Iterable[Event]) -> list[TurnEvent]:
    return [translated for event in events for translated in progress.take(event)]


def test_streamed_text_is_passed_on_once() -> None:
    progress = Progress(Clock())

    events = play(progress, [partial("Hel"), partial("lo"), whole(text("Hello"))])

    assert events == [ReplyDelta("Hel"), ReplyDelta("lo")]
    assert progress.ending().reply == "Hello"


def test_text_that_was_not_streamed_is_passed_on_whole() -> None:
    assert play(Progress(Clock()), [whole(text("Hello"))]) == [ReplyDelta("Hello")]


def test_the_rest_of_a_half_streamed_message_follows() -> None:
    assert play(Progress(Clock()), [partial("Hel"), whole(text("Hello"))]) == [ReplyDelta("Hel"), ReplyDelta("lo")]


def test_white_space_pieces_survive() -> None:
    progress = Progress(Clock())
    play(progress, [partial("one"), partial("\n"), partial(" "), partial("two"), whole(text("one\n two"))])

    assert progress.ending().reply == "one\n two"


def test_thoughts_are_not_spoken() -> None:
    progress = Progress(Clock())

    events = play(progress, [partial("hm", thought=True), whole(types.Part(text="hm", thought=True), text("Yes"))])

    assert events == [ReplyDelta("Yes")]


def test_a_tool_call_parts_two_messages() -> None:
    progress = Progress(Clock())

    events = play(
        progress,
        [
            partial("Let me see."),
            whole(text("Let me see."), call(), tokens=(10, 3)),
            answered({"result": "21"}),
            partial("It is 21."),
            whole(text("It is 21."), tokens=(20, 4)),
        ],
    )

    assert events == [
        ReplyDelta("Let me see."),
        ToolStarted("c1", "ask"),
        ToolCompleted("c1", "ask", "ok"),
        ReplyDelta(MESSAGE_BREAK),
        ReplyDelta("It is 21."),
    ]
    ending = progress.ending()
    assert ending.reply == "Let me see.\n\nIt is 21."
    assert ending.usage == {"input_tokens": 30, "output_tokens": 7}


def test_deltas_joined_are_the_reply() -> None:
    progress = Progress(Clock())
    events = play(progress, [partial("A"), whole(text("A"), call()), answered({}), whole(text("B"))])

    assert "".join(e.text for e in events if isinstance(e, ReplyDelta)) == progress.ending().reply


def test_a_tool_that_failed_says_so() -> None:
    events = play(Progress(Clock()), [whole(call()), answered({"error": "gone"})])

    assert events[-1] == ToolCompleted("c1", "ask", "error")


def test_a_reply_that_is_only_a_tool_call_completes() -> None:
    progress = Progress(Clock())
    play(progress, [whole(call()), answered({"result": ""}), whole()])

    assert progress.ending().reply == ""


def ends_with(events: Iterable[Event]) -> type[TalkError]:
    progress = Progress(Clock())
    play(progress, events)
    with pytest.raises(TalkError) as raised:
        progress.ending()
    return type(raised.value)


@pytest.mark.parametrize("events", [[], [whole()], [whole(text(" \n"))], [partial(" "), whole(text(" "))]])
def test_no_word_is_an_empty_reply(events: list[Event]) -> None:
    assert ends_with(events) is EmptyReply


def test_a_filter_that_leaves_no_text_fails() -> None:
    assert ends_with([whole(finish=types.FinishReason.SAFETY)]) is ContentFiltered
    assert ends_with([Event(author="a", error_code="PROHIBITED_CONTENT")]) is ContentFiltered


def test_an_error_of_the_model_fails_and_shows_nothing_of_it() -> None:
    progress = Progress(Clock())
    play(progress, [partial("So"), Event(author="a", error_code="BOOM", error_message="key sk-123")])

    with pytest.raises(ProviderFailed) as raised:
        progress.ending()
    assert "sk-123" not in raised.value.detail
    assert progress.unfinished == "So"


@pytest.mark.parametrize(
    ("finish", "reason"),
    [
        (STOP, "stop"),
        (None, "stop"),
        (types.FinishReason.MAX_TOKENS, "length"),
        (types.FinishReason.SAFETY, "content_filter"),
        (types.FinishReason.RECITATION, "content_filter"),
    ],
)
def test_the_finish_reason_of_the_last_message_counts(finish: types.FinishReason | None, reason: str) -> None:
    progress = Progress(Clock())
    play(progress, [whole(text("A"), call(), finish=STOP), answered({}), whole(text("B"), finish=finish)])

    assert progress.ending().finish_reason == reason


def test_a_filter_after_text_completes_and_keeps_the_text() -> None:
    progress = Progress(Clock())
    play(progress, [partial("So far"), whole(finish=types.FinishReason.SAFETY)])

    assert progress.ending().finish_reason == "content_filter"
    assert progress.unfinished == "So far"


def test_timings_are_seconds_since_the_turn_began() -> None:
    clock = Clock()
    progress = Progress(clock)
    clock.now += 0.25
    play(progress, [partial("\n")])
    clock.now += 0.25
    play(progress, [partial("Hi")])
    clock.now += 1.0

    assert progress.timings() == {"llm_ttft": 0.5, "total": 1.5}
