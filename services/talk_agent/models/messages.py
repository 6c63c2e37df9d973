"""ADK's request as the body of an OpenAI-compatible chat completion. Pure.

Histories come from turns that were cut, cancelled or trimmed, and providers refuse what does not add up. So:
every tool call is answered right after its message, once, in order; an answer without its call is dropped;
messages of one role in a row are one message. Thoughts are never sent back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson
from google.adk.models.llm_request import LlmRequest
from google.genai import types

from talk_agent.models.pieces import ToolCall, whole_characters

Message = dict[str, Any]

# The name under which ADK sees a call whose arguments cannot be read. No tool has it, so ADK runs none and answers
# with a tool error; the model sees the call under its own name, with `{}`, and what was wrong with it.
INVALID_CALL = "talk_invalid_tool_call"
INVALID_RESULT = '{"error":"Not run: the arguments were not a JSON object. Call again with valid JSON."}'
MISSING_RESULT = '{"error":"Not run: the turn was interrupted before there was a result."}'

# ADK's names of what a request may set, and the format's.
_OPTIONS = {
    "temperature": "temperature",
    "top_p": "top_p",
    "max_output_tokens": "max_tokens",
    "stop_sequences": "stop",
    "presence_penalty": "presence_penalty",
    "frequency_penalty": "frequency_penalty",
    "seed": "seed",
}


def call_part(call: ToolCall) -> types.Part:
    """The part of a call for ADK: one that it runs, or one that it answers with an error."""
    name, arguments = call.name, call.arguments
    if arguments is None:
        name, arguments = INVALID_CALL, {"tool": call.name or "unknown"}
    return types.Part(function_call=types.FunctionCall(id=call.id, name=name, args=arguments))


def call_ids(request: LlmRequest) -> frozenset[str]:
    """The ids of the calls that the history holds."""
    parts = (part for content in request.contents for part in content.parts or [])
    return frozenset(p.function_call.id for p in parts if p.function_call and p.function_call.id)


def answers_a_tool(request: LlmRequest) -> bool:
    """Whether the model goes on after the results of its calls: then it may end without a word."""
    parts = request.contents[-1].parts if request.contents else None
    return any(part.function_response for part in parts or [])


def messages(request: LlmRequest) -> list[Message]:
    """The whole conversation, system message first."""
    system = system_text(request)
    head = [{"role": "system", "content": system}] if system else []
    return [*head, *_merged(_answered([m for content in request.contents for m in _content(content)]))]


def system_text(request: LlmRequest) -> str:
    """The instruction as one text, whichever shape ADK gave it."""
    instruction = request.config.system_instruction if request.config else None
    return "\n\n".join(text for text in _texts(instruction) if text)


def tools(request: LlmRequest) -> list[dict[str, Any]]:
    """The tools' JSON schemas."""
    declared = request.config.tools if request.config and request.config.tools else []
    return [
        {"type": "function", "function": _function(function)}
        for tool in declared
        for function in getattr(tool, "function_declarations", None) or []
    ]


def options(request: LlmRequest) -> dict[str, Any]:
    """What this request sets beside messages and tools; what it leaves unset is the model's own setting."""
    config = request.config
    found = {ours: getattr(config, theirs, None) for theirs, ours in _OPTIONS.items()} if config else {}
    return {name: value for name, value in found.items() if value is not None}


def _texts(instruction: Any) -> Iterator[str]:
    if isinstance(instruction, str):
        yield instruction
    elif isinstance(instruction, list | tuple):
        for item in instruction:
            yield from _texts(item)
    elif isinstance(instruction, types.Content):
        yield from _texts(instruction.parts or [])
    elif isinstance(instruction, types.Part) and instruction.text:
        yield instruction.text


def _function(declared: types.FunctionDeclaration) -> dict[str, Any]:
    schema = declared.parameters_json_schema
    if schema is None and declared.parameters is not None:
        schema = declared.parameters.json_schema.model_dump(exclude_none=True, mode="json", by_alias=True)
    parameters = schema or {"type": "object", "properties": {}}
    return {"name": declared.name, "description": declared.description or "", "parameters": parameters}


def _content(content: types.Content) -> Iterator[Message]:
    """The messages of one content: tool results first, then what was said with its calls."""
    parts = content.parts or []
    for part in parts:
        if part.function_response:
            yield _result(part.function_response)
    between = "" if content.role == "model" else "\n"
    text = between.join(part.text for part in parts if part.text and not part.thought)
    calls = [_call(part.function_call) for part in parts if part.function_call]
    if not text.strip() and not calls:
        return
    if content.role != "model":
        yield {"role": "user", "content": text}
        return
    message: Message = {"role": "assistant", "content": text or None}
    if calls:
        message["tool_calls"] = calls
    yield message


def _call(call: types.FunctionCall) -> dict[str, Any]:
    name, arguments = call.name or "unknown", call.args or {}
    if name == INVALID_CALL:
        name, arguments = str(arguments.get("tool", "unknown")), {}
    return {"id": call.id or "", "type": "function", "function": {"name": name, "arguments": _json(arguments)}}


def _result(response: types.FunctionResponse) -> Message:
    content = INVALID_RESULT if response.name == INVALID_CALL else _json(response.response or {})
    return {"role": "tool", "tool_call_id": response.id or "", "content": content}


def encoded(value: Any) -> bytes:
    """JSON. What orjson refuses (integers beyond 64 bits, halves of characters in what a user typed) is written too."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return whole_characters(json.dumps(value, default=str, ensure_ascii=False)).encode()


def _json(value: Any) -> str:
    return encoded(value).decode()


def _answered(history: list[Message]) -> list[Message]:
    """Each call followed by its one result; a call that is repeated under its id waits for results anew."""
    answered: list[Message] = []
    waiting: dict[str, Message] = {}
    for message in history:
        if message["role"] == "tool":
            result = waiting.pop(message["tool_call_id"], None)
            if result is not None:
                result["content"] = message["content"]
            continue
        answered.append(message)
        for call in message.get("tool_calls", ()):
            result = {"role": "tool", "tool_call_id": call["id"], "content": MISSING_RESULT}
            waiting[call["id"]] = result
            answered.append(result)
    return answered


def _merged(history: list[Message]) -> list[Message]:
    merged: list[Message] = []
    for message in history:
        last = merged[-1] if merged else None
        if last and last["role"] == message["role"] and message["role"] != "tool" and not last.get("tool_calls"):
            texts = [m["content"] for m in (last, message) if m["content"]]
            merged[-1] = {**message, "content": "\n\n".join(texts) or None}
        else:
            merged.append(message)
    return merged
