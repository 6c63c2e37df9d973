"""The routes: what each takes and answers."""

from __future__ import annotations

from typing import Any

from talk_gateway.api_document.answers import EVENTS, LOCKED, OPEN, TURN, json_of, problems, success
from talk_gateway.api_document.schemas import AGENT_NAME, MODE, SESSION_ID, Schema, ref

Item = dict[str, Any]

ANYBODY: list[Item] = []
CALLERS: list[Item] = [{}, {"bearer": []}, {"key": []}]
_SOUND: Item = {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}


def _parameter(name: str, place: str, schema: Schema, description: str = "") -> Item:
    return {"name": name, "in": place, "schema": schema, **({"description": description} if description else {})}


PARAMETERS: dict[str, Item] = {
    "RequestID": _parameter("X-Request-ID", "header", {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"}),
    "SessionID": _parameter("X-Session-ID", "header", SESSION_ID, "Agrees with `session_id` where both are sent."),
    "IdempotencyKey": _parameter(
        "Idempotency-Key",
        "header",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "A turn repeated under its key is answered from its record, for a day, within the session.",
    ),
    "RequestTimeout": _parameter(
        "X-Request-Timeout",
        "header",
        {"type": "string", "pattern": r"^([1-9][0-9]{0,8}(\.[0-9]{1,9})?|0\.[1-9][0-9]{0,8})$"},
        "Seconds that the caller will wait, over 0.",
    ),
}
_OF_TURNS = [{"$ref": f"#/components/parameters/{name}"} for name in PARAMETERS]


def _turn(operation: str, summary: str, body: Item, answer: Item, *more: int, parameters: list[Item]) -> Item:
    return {
        "post": {
            "operationId": operation,
            "summary": summary,
            "tags": ["turns"],
            "security": CALLERS,
            "parameters": [*parameters, *_OF_TURNS],
            "requestBody": {"required": True, "content": body},
            "responses": {"200": answer, **problems(*TURN, *more)},
        }
    }


def _shown(operation: str, summary: str, answers: dict[str, Item]) -> Item:
    return {
        "get": {
            "operationId": operation,
            "summary": summary,
            "tags": ["operation"],
            "security": ANYBODY,
            "responses": {**answers, **problems(*OPEN)},
        }
    }


_SPOKEN: dict[str, Item] = {
    **dict.fromkeys(("audio/mpeg", "audio/wav", "audio/pcm"), _SOUND),
    **json_of("SpeechReply"),
    **EVENTS,
}
PATHS: dict[str, Item] = {
    "/v1/chat": _turn(
        "chat",
        "A text turn with the default agent, or a named one.",
        json_of("ChatRequest"),
        success("The reply, or events.", {**json_of("ChatReply"), **EVENTS}, "X-Session-ID"),
        parameters=[],
    ),
    "/v1/agents/{agent_name}/chat": _turn(
        "agentChat",
        "A text turn with an agent.",
        json_of("AgentChatRequest"),
        success("The reply, or events.", {**json_of("AgentChatReply"), **EVENTS}, "X-Session-ID"),
        parameters=[{**_parameter("agent_name", "path", {**AGENT_NAME, "minLength": 1}), "required": True}],
    ),
    "/v1/speech_to_speech": _turn(
        "speechToSpeech",
        "A voice turn: the recording in, the spoken reply out, begun before it is complete.",
        {"multipart/form-data": {"schema": ref("SpeechRequest")}},
        success("Sound, JSON or events, as `format` and `Accept` say.", _SPOKEN, "X-Session-ID"),
        415,
        parameters=[
            _parameter("mode", "query", MODE),
            _parameter("agent_name", "query", AGENT_NAME),
            _parameter("session_id", "query", SESSION_ID),
            _parameter("language", "query", {"type": "string"}, "BCP-47, or a name such as `kannada`."),
            _parameter("format", "query", {"type": "string", "enum": ["mp3", "wav", "pcm", "json"], "default": "mp3"}),
        ],
    ),
    "/v1/agents": {
        "get": {
            "operationId": "listAgents",
            "summary": "The agents that the caller may speak to.",
            "tags": ["agents"],
            "security": CALLERS,
            "responses": {"200": success("The agents.", json_of("Agents")), **problems(*LOCKED)},
        }
    },
    "/healthz": _shown(
        "live",
        "Whether the process works.",
        {"200": success("It does.", json_of("Live")), "503": success("It does not.", json_of("Live"))},
    ),
    "/ready": _shown(
        "ready",
        "Whether new work is welcome.",
        {"200": success("It is.", json_of("Ready")), "503": success("It is not.", json_of("Ready"))},
    ),
    "/health": _shown("health", "All checks; always 200.", {"200": success("The checks.", json_of("Health"))}),
    "/metrics": _shown(
        "metrics",
        "Prometheus; only where it has no port of its own.",
        {"200": success("The metrics.", {"text/plain": {"schema": {"type": "string"}}})},
    ),
    "/openapi.json": _shown(
        "document",
        "This document.",
        {"200": success("OpenAPI 3.1.", {"application/json": {"schema": {"type": "object"}}})},
    ),
}
