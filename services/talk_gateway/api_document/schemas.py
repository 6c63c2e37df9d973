"""Bodies of the API as JSON Schema (2020-12). Numbers are the defaults of their settings."""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 4000,
    "pattern": r"^[^\x00-\x08\x0e-\x1f\x7f]*[^\x00-\x20\x7f-\xa0\s][^\x00-\x08\x0e-\x1f\x7f]*$",
    "description": "Not blank, and of control characters only white space.",
}
SESSION_ID: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": 128,
    "pattern": "^[!-~]([ -~]*[!-~])?$",
    "description": "Other printable characters are accepted too. Made where it is left out.",
}
AGENT_NAME: Schema = {"type": "string", "description": "`viva_examiner` and `viva-examiner` are one agent."}
MODE: Schema = {"type": "string", "enum": ["llm", "agent"], "description": "`llm` is the default agent."}
STREAM: Schema = {"type": "boolean", "default": False, "description": "Events instead of JSON."}
JSON_TEXT: Schema = {"type": "string", "contentMediaType": "application/json"}
# Of turn events; docs/reference/http-api.md says what the data of each is.
TYPES = (
    *("turn.started", "stage", "transcript", "reply.delta", "tool.started", "tool.completed", "audio.delta"),
    *("turn.completed", "turn.failed"),
)
CODES = (
    *("invalid_request", "unauthenticated", "forbidden", "not_found", "unknown_agent", "method_not_allowed"),
    *("slow_request", "head_too_large", "session_busy", "too_large"),
    *("unsupported_media", "no_speech", "idempotency_mismatch", "rate_limited"),
    *("internal", "provider_failed", "empty_reply", "no_audio", "content_filter", "unavailable"),
    *("provider_unreachable", "provider_busy", "circuit_open", "overloaded", "agent_not_ready", "draining"),
    "deadline",
)


def obj(required: str, **properties: Schema) -> Schema:
    """An object with those members; `required` names, with spaces between, those that are always there."""
    return {"type": "object", "required": required.split(), "properties": properties}


def ref(name: str) -> Schema:
    """A schema of this document by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


_STRING: Schema = {"type": "string"}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_COUNTS: Schema = {"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}}
_CHECKS: Schema = {
    "type": "array",
    "items": obj("name ok message", name=_STRING, ok={"type": "boolean"}, message=_STRING),
}
_REPLY: dict[str, Schema] = {
    "reply": _STRING,
    "session_id": SESSION_ID,
    "finish_reason": {"type": "string", "enum": ["stop", "length", "content_filter"]},
    "usage": {**_COUNTS, "description": "`input_tokens` and `output_tokens`, where the model told them."},
    "timings": {"type": "object", "additionalProperties": _SECONDS, "description": "Seconds of each stage."},
}
_ENDING = "session_id finish_reason usage timings"

SCHEMAS: dict[str, Schema] = {
    "ChatRequest": obj("text", text=TEXT, mode=MODE, agent_name=AGENT_NAME, session_id=SESSION_ID, stream=STREAM),
    "AgentChatRequest": obj("message", message=TEXT, session_id=SESSION_ID, stream=STREAM),
    "SpeechRequest": obj(
        "file",
        file={"type": "string", "contentMediaType": "application/octet-stream", "description": "The recording."},
    ),
    "ChatReply": obj(f"user reply {_ENDING}", user=_STRING, **_REPLY),
    "AgentChatReply": obj(f"reply state {_ENDING}", state={"type": "object"}, **_REPLY),
    "SpeechReply": obj(
        f"transcription llm_response audio_base64 {_ENDING}",
        transcription=_STRING,
        llm_response=_STRING,
        audio_base64={"type": "string", "contentEncoding": "base64", "contentMediaType": "audio/mpeg"},
        **{name: schema for name, schema in _REPLY.items() if name != "reply"},
    ),
    "Agents": obj("agents", agents={"type": "array", "items": ref("Agent")}),
    "Agent": obj(
        "name description ready voice languages",
        name=_STRING,
        description=_STRING,
        ready={"type": "boolean"},
        reason={"type": "string", "description": "Why it is not ready."},
        voice={"type": "boolean"},
        languages={"type": "array", "items": _STRING},
    ),
    "Live": obj("live", live={"type": "boolean"}),
    "Ready": obj("ready checks", ready={"type": "boolean"}, checks=_CHECKS),
    "Health": obj("status checks", status={"type": "string", "enum": ["ok", "degraded"]}, checks=_CHECKS),
    "Problem": obj(
        "type title status detail code retryable request_id",
        type={"type": "string", "format": "uri"},
        title=_STRING,
        status={"type": "integer", "minimum": 400, "maximum": 599},
        detail={"type": "string", "description": "One sentence that says what to do."},
        code={"type": "string", "enum": list(CODES)},
        retryable={"type": "boolean", "description": "Whether the same request may succeed later."},
        request_id={"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
        known={"type": "array", "items": _STRING, "description": "Of `unknown_agent`: the agents there are."},
    ),
}
