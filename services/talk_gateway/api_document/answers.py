"""What is answered: headers, and one problem document (RFC 9457) for each status."""

from __future__ import annotations

from typing import Any

from talk_gateway.api_document.schemas import JSON_TEXT, TYPES, obj, ref

Answer = dict[str, Any]

# What a route under /v1/ may say whatever it does, and what any turn may say besides.
OPEN = (408, 431, 500)
LOCKED = (401, 429, 503, *OPEN)
TURN = (400, 403, 404, 409, 413, 422, 502, 504, *LOCKED)
_WHY = {
    400: "Invalid: the body, a header or a parameter cannot be used as it is.",
    401: "No credentials, or wrong or expired ones.",
    403: "The credentials do not cover this agent.",
    404: "No such agent (`known` names those there are).",
    408: "The request's head or body came too slowly; the connection is closed.",
    409: "The session is in another turn.",
    413: "Larger than the limit.",
    415: "Bytes of no known audio container.",
    422: "No speech was heard, or the Idempotency-Key came with another body before.",
    429: "A limit of Talk's own.",
    431: "The request line or the headers are larger than the limit; the connection is closed.",
    500: "A defect of Talk; its log has it under the request id.",
    502: "A provider failed.",
    503: "Nothing was tried: not ready, overloaded, draining, or a provider is away or at its own limit.",
    504: "Took longer than its bound.",
}
_MORE_HEADERS = {
    401: ("WWW-Authenticate",),
    409: ("Retry-After",),
    429: ("Retry-After", "RateLimit", "RateLimit-Policy"),
    503: ("Retry-After",),
}


def _header(description: str, **schema: Any) -> Answer:
    return {"description": description, "schema": {"type": "string", **schema}}


HEADERS: dict[str, Answer] = {
    "X-Request-ID": {
        **_header("The request's id, in every log line of it.", pattern="^[A-Za-z0-9._-]{1,128}$"),
        "required": True,
    },
    "X-Session-ID": {
        **_header("The session, in UTF-8."),
        "required": True,
    },
    "Retry-After": _header("Seconds.", pattern="^[1-9][0-9]*$"),
    "WWW-Authenticate": _header("How to authenticate."),
    "RateLimit": _header("What is left of the limits."),
    "RateLimit-Policy": _header("The limits."),
}


def headers(*names: str) -> dict[str, Answer]:
    """The headers that every answer has, and these."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in ("X-Request-ID", *names)}


def _problem(status: int) -> Answer:
    content = {"schema": ref("Problem")}
    return {
        "description": _WHY[status],
        "headers": headers(*_MORE_HEADERS.get(status, ())),
        "content": {"application/problem+json": content, "application/json": content},
    }


PROBLEMS: dict[str, Answer] = {f"Problem{status}": _problem(status) for status in _WHY}


def problems(*statuses: int) -> dict[str, Answer]:
    """These as a part of a `responses` object."""
    return {str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)}


def success(description: str, content: dict[str, Answer], *more_headers: str) -> Answer:
    """A success whose bodies are `content`, by media type."""
    return {"description": description, "headers": headers(*more_headers), "content": content}


def json_of(schema: str) -> dict[str, Answer]:
    """A body of JSON of that schema."""
    return {"application/json": {"schema": ref(schema)}}


# OpenAPI 3.1 has no word for the events of a stream; readers of such documents take the schema as that of each event.
EVENTS: dict[str, Answer] = {
    "text/event-stream": {"schema": obj("event data", event={"type": "string", "enum": list(TYPES)}, data=JSON_TEXT)}
}
