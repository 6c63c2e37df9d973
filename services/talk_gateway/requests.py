"""Requests of the API as values: parsed and checked at the edge, once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

from talk_gateway.directory import Agent, Agents
from talk_gateway.settings import Settings
from talk_kit.bodies import JSON_SECONDS, Pace, read_body
from talk_kit.errors import InvalidRequest
from talk_kit.names import session_id_of

# A text of 4,000 code points is at most 48,000 bytes of JSON escapes; the other members are short.
JSON_BYTES_PER_CHARACTER = 12
JSON_BYTES_BESIDES = 16_384
FORWARDED = ("idempotency-key", "x-talk-call-path")
MODES = ("llm", "agent")
# Line and page breaks stay: texts pasted from documents have them.
CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A text turn: whom it is for, in which session, and how the answer is wanted."""

    agent: Agent
    session_id: str
    text: str
    stream: bool
    headers: dict[str, str]


def wants_events(request: Request) -> bool:
    """Whether the caller accepts an event stream."""
    return "text/event-stream" in request.headers.get("accept", "").lower()


async def parse_chat(request: Request, directory: Agents, text_length: int) -> ChatRequest:
    """The request of `POST /v1/chat`."""
    body = await read_json(request, text_length)
    agent = choose_agent(directory, _word(body, "mode"), _word(body, "agent_name"))
    return _chat_request(request, body, agent, "text", text_length)


async def parse_agent_chat(request: Request, directory: Agents, text_length: int) -> ChatRequest:
    """The request of `POST /v1/agents/{agent_name}/chat`."""
    agent = directory.resolve(request.path_params["agent_name"])
    body = await read_json(request, text_length)
    return _chat_request(request, body, agent, "message", text_length)


def choose_agent(directory: Agents, mode: str | None, agent_name: str | None) -> Agent:
    """The agent of `mode` and `agent_name`: `llm` is the default agent whatever the name says."""
    mode = mode or ("agent" if agent_name else "llm")
    if mode not in MODES:
        raise InvalidRequest(f"mode is {mode[:40]!r}; send one of {', '.join(MODES)}.")
    if mode == "agent" and agent_name:
        return directory.resolve(agent_name)
    return directory.default(mode)


def _chat_request(request: Request, body: dict[str, Any], agent: Agent, member: str, length: int) -> ChatRequest:
    stream = body.get("stream", False)
    if not isinstance(stream, bool):
        raise InvalidRequest("stream is true or false.")
    return ChatRequest(
        agent=agent,
        session_id=session_id_of(request.headers.get("x-session-id"), _word(body, "session_id")),
        text=check_text(body.get(member), member, length),
        stream=stream or wants_events(request),
        headers=forwarded_headers(request.headers),
    )


def check_text(text: object, member: str, length: int) -> str:
    """A turn's text: a string that is not blank, of at most `length` code points and no control characters."""
    if not isinstance(text, str):
        raise InvalidRequest(f"The member {member} is missing or no string.")
    if CONTROL.search(text):
        raise InvalidRequest(f"The member {member} has control characters; of these only white space is accepted.")
    if not text.strip():
        raise InvalidRequest(f"The member {member} is empty.")
    if len(text) > length:
        raise InvalidRequest(f"The member {member} has {len(text)} characters; at most {length} are accepted.")
    return text


def forwarded_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The caller's headers that are the agent's to understand."""
    found = {name: headers[name] for name in FORWARDED if name in headers}
    for name, value in found.items():
        if not 1 <= len(value) <= 1024 or not value.isprintable():
            raise InvalidRequest(f"The header {name} has 1 to 1,024 printable characters.")
    return found


async def read_json(request: Request, text_length: int) -> dict[str, Any]:
    """The body as a JSON object, read up to the bound of any body and to what the longest text can take."""
    settings: Settings = request.app.state.deps.settings
    limit = min(settings.body_bytes, text_length * JSON_BYTES_PER_CHARACTER + JSON_BYTES_BESIDES)
    raw = await read_body(request, limit, Pace(JSON_SECONDS, settings.upload_rate))
    if not raw:
        raise InvalidRequest("The body is empty; send a JSON object.")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("The body is no valid JSON in UTF-8.") from error
    if not isinstance(body, dict):
        raise InvalidRequest("The body is no JSON object.")
    return body


def _word(body: Mapping[str, Any], member: str) -> str | None:
    value = body.get(member)
    if value is not None and not isinstance(value, str):
        raise InvalidRequest(f"The member {member} is no string.")
    return value or None
