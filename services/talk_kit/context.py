"""What a request carries through every call and log line: its id, its trace, its agent and session."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

import structlog
from opentelemetry import trace
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talk_kit import deadline
from talk_kit.logs import session_hash
from talk_kit.names import request_id_or_new

_request_id: ContextVar[str | None] = ContextVar("talk_request_id", default=None)
_traceparent: ContextVar[str | None] = ContextVar("talk_traceparent", default=None)

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def request_id() -> str | None:
    """The id of the request that this task serves; None outside of one."""
    return _request_id.get()


def outgoing_headers() -> dict[str, str]:
    """The headers of every call that is made for the current request: its id and its trace."""
    headers = {}
    if (current := _request_id.get()) is not None:
        headers["X-Request-ID"] = current
    if (traceparent := _current_traceparent()) is not None:
        headers["traceparent"] = traceparent
    return headers


def bind(*, agent_name: str | None = None, session_id: str | None = None) -> None:
    """Adds agent and session (as a keyed hash) to each log line of the current request."""
    if agent_name is not None:
        structlog.contextvars.bind_contextvars(agent_name=agent_name)
    if session_id is not None:
        structlog.contextvars.bind_contextvars(session_id=session_hash(session_id))


class RequestContextMiddleware:
    """Accepts or makes `X-Request-ID`, continues `traceparent`, and returns the id with every answer.

    No answer is to be taken for another type than it says.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        current = request_id_or_new(headers.get("x-request-id"))
        _request_id.set(current)
        _traceparent.set(continued_traceparent(headers.get("traceparent")))
        deadline.forget()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=current)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered["X-Request-ID"] = current
                answered["X-Content-Type-Options"] = "nosniff"
            await send(message)

        await self.app(scope, receive, send_with_id)


def continued_traceparent(raw: str | None) -> str:
    """A `traceparent` of the caller's trace with a span of our own, or of a new trace that is not sampled."""
    if raw and _TRACEPARENT.fullmatch(raw.strip().lower()):
        version, trace_id, _, flags = raw.strip().lower().split("-")
        return f"{version}-{trace_id}-{secrets.token_hex(8)}-{flags}"
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"


def _current_traceparent() -> str | None:
    """That of the active span where tracing is on, else the one this request continues."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        return f"00-{span.trace_id:032x}-{span.span_id:016x}-{span.trace_flags:02x}"
    return _traceparent.get()
