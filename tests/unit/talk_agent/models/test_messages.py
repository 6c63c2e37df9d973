from __future__ import annotations

import json
from typing import Any

import pytest
from google.adk.models.llm_request import LlmRequest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_agent.models import messages
from talk_agent.models.pieces import ToolCall


def said(role: str, *texts: str) -> types.Content:
    return types.Content(role=role, parts=[types.Part(text=text) for text in texts])


def called(*ids: str, text: str = "", name: str = "weather", args: dict[str, Any] | None = None) -> types.Content:
    parts = [types.Part(text=text)] if text else []
    calls = [types.FunctionCall(id=id_, name=name, args=args or {"city": id_}) for id_ in ids]
    return types.Content(role="model", parts=[*parts, *(types.Part(function_call=call) for call in calls)])


def answered(*ids: str, name: str = "weather") -> types.Content:
    found = [types.FunctionResponse(id=id_, name=name, response={"is": id_}) for id_ in ids]
    return types.Content(role="user", parts=[types.Part(function_response=response) for response in found])


def sent(*contents: types.Content) -> list[tuple[str, Any]]:
    """Role and content, call ids for a call, id and content for a result."""
    found: list[tuple[str, Any]] = []
    for message in messages.messages(LlmRequest(contents=list(contents))):
        if message["role"] == "tool":
            found.append(("tool", (message["tool_call_id"], message["content"])))
        elif "tool_calls" in message:
            found.append(("calls", [call["id"] for call in message["tool_calls"]]))
        else:
            found.append((message["role"], message["content"]))
    return found


def result(id_: str) -> tuple[str, Any]:
    return ("tool", (id_, json.dumps({"is": id_}, separators=(",", ":"))))


def missing(id_: str) -> tuple[str, Any]:
    return ("tool", (id_, messages.MISSING_RESULT))


HI = said("user", "Hi.")


def test_a_plain_conversation() -> None:
    assert sent(HI, said("model", "Hello."), said("user", "And?")) == [
        ("user", "Hi."),
        ("assistant", "Hello."),
        ("user", "And?"),
    ]


@pytest.mark.parametrize(
    "instruction",
    ["Be kind.", said("user", "Be kind."), [types.Part(text="Be kind.")], types.Part(text="Be kind.")],
)
def test_the_instruction_is_the_system_message(instruction: Any) -> None:
    request = LlmRequest(contents=[HI], config=types.GenerateContentConfig(system_instruction=instruction))
    assert messages.messages(request)[0] == {"role": "system", "content": "Be kind."}


def test_parallel_results_are_messages_of_their_own_in_the_order_of_the_calls() -> None:
    assert sent(HI, called("a", "b"), answered("b", "a"), said("model", "So.")) == [
        ("user", "Hi."),
        ("calls", ["a", "b"]),
        result("a"),
        result("b"),
        ("assistant", "So."),
    ]


def test_a_call_without_a_result_gets_an_error_as_one() -> None:
    assert sent(HI, called("a", "b"), answered("b"), said("user", "Again.")) == [
        ("user", "Hi."),
        ("calls", ["a", "b"]),
        missing("a"),
        result("b"),
        ("user", "Again."),
    ]


def test_a_result_without_its_call_is_dropped() -> None:
    assert sent(answered("a"), HI, answered("b")) == [("user", "Hi.")]


def test_a_result_counts_once_and_for_the_call_before_it() -> None:
    assert sent(HI, called("a"), said("user", "Stop."), called("a"), answered("a"), answered("a")) == [
        ("user", "Hi."),
        ("calls", ["a"]),
        missing("a"),
        ("user", "Stop."),
        ("calls", ["a"]),
        result("a"),
    ]


def test_messages_of_one_role_in_a_row_are_one() -> None:
    assert sent(HI, said("user", "Hello?"), said("model", "Yes"), said("model", "indeed.")) == [
        ("user", "Hi.\n\nHello?"),
        ("assistant", "Yes\n\nindeed."),
    ]


def test_text_and_call_of_one_message_stay_together() -> None:
    request = LlmRequest(contents=[HI, called("a", text="Let me see. "), answered("a")])
    message = messages.messages(request)[1]
    assert message["content"] == "Let me see. "
    assert message["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city":"a"}'}


def test_thoughts_are_never_sent_back() -> None:
    content = types.Content(role="model", parts=[types.Part(text="hm", thought=True), types.Part(text="Hello.")])
    assert sent(HI, content) == [("user", "Hi."), ("assistant", "Hello.")]


def test_contents_without_words_are_none() -> None:
    assert sent(HI, said("model", ""), types.Content(role="model"), said("user", " \n")) == [("user", "Hi.")]


def test_line_separators_survive_in_every_place() -> None:
    text = "one\u2028two\x85three\u2029four\0."
    response = types.FunctionResponse(id="a", name="weather", response={"said": text})
    contents = [
        said("user", text),
        called("a", args={"said": text}),
        types.Content(role="user", parts=[types.Part(function_response=response)]),
    ]
    user, calls, tool = messages.messages(LlmRequest(contents=contents))
    assert user["content"] == text
    assert json.loads(calls["tool_calls"][0]["function"]["arguments"]) == {"said": text}
    assert json.loads(tool["content"]) == {"said": text}


def test_a_call_that_cannot_be_read_is_sent_back_as_a_call_that_was_not_run() -> None:
    part = messages.call_part(ToolCall("a", "weather", None))
    assert part.function_call is not None
    assert part.function_call.name == messages.INVALID_CALL
    history = [HI, types.Content(role="model", parts=[part]), answered("a", name=messages.INVALID_CALL)]
    call, tool = messages.messages(LlmRequest(contents=history))[1:]
    assert call["tool_calls"][0]["function"] == {"name": "weather", "arguments": "{}"}
    assert tool["content"] == messages.INVALID_RESULT


def test_the_ids_of_the_history_are_known() -> None:
    assert messages.call_ids(LlmRequest(contents=[HI, called("a", "b"), answered("a")])) == {"a", "b"}


def test_tools_are_sent_with_their_schemas() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}}
    old = types.Schema(type=types.Type.OBJECT, properties={"n": types.Schema(type=types.Type.INTEGER)})
    declared = [
        types.FunctionDeclaration(name="weather", description="Tells.", parameters_json_schema=schema),
        types.FunctionDeclaration(name="count", parameters=old),
        types.FunctionDeclaration(name="now"),
    ]
    config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=declared)])
    functions = [tool["function"] for tool in messages.tools(LlmRequest(contents=[HI], config=config))]
    assert functions[0] == {"name": "weather", "description": "Tells.", "parameters": schema}
    assert functions[1]["parameters"] == {"type": "object", "properties": {"n": {"type": "integer"}}}
    assert functions[2]["parameters"] == {"type": "object", "properties": {}}


def test_options_of_the_request_have_the_names_of_the_format() -> None:
    config = types.GenerateContentConfig(temperature=0.0, max_output_tokens=5, stop_sequences=["x"])
    assert messages.options(LlmRequest(config=config)) == {"temperature": 0.0, "max_tokens": 5, "stop": ["x"]}


def test_integers_beyond_64_bits_are_sent() -> None:
    assert json.loads(messages.encoded({"n": 2**70})) == {"n": 2**70}


ids = st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)
contents = st.one_of(
    st.builds(said, st.sampled_from(["user", "model"]), st.sampled_from(["", "Hi.", "So."])),
    ids.map(lambda found: called(*found)),
    ids.map(lambda found: answered(*found)),
)


@settings(deadline=None)
@given(st.lists(contents, max_size=12))
def test_any_history_adds_up(history: list[types.Content]) -> None:
    found = messages.messages(LlmRequest(contents=history))
    waiting: list[str] = []
    for before, message in zip([None, *found], found, strict=False):
        if message["role"] == "tool":
            assert message["tool_call_id"] == waiting.pop(0)
            continue
        assert not waiting
        assert before is None or before["role"] != message["role"]
        waiting = [call["id"] for call in message.get("tool_calls", ())]
    assert not waiting
