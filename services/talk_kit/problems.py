"""Errors as answers: RFC 9457 problem documents, made in one place."""

from __future__ import annotations

import math
from http import HTTPStatus
from typing import Any

import orjson
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talk_kit.context import request_id
from talk_kit.errors import Internal, TalkError
from talk_kit.logs import get_logger
from talk_kit.names import new_id

log = get_logger(__name__)

_HTTP_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def problem(error: TalkError, accept: str = "") -> Response:
    """The answer for an error. A caller whose `Accept` names `application/json` gets the body under that type."""
    members = _members(error.code, error.title, error.status, error.detail, error.retryable)
    return _response(error.status, {**members, **error.extra}, accept, _headers(error))


def unparsed_answer(error: TalkError) -> bytes:
    """A whole answer, which closes its connection, to bytes that never became a request."""
    current = new_id()
    members = _members(error.code, error.title, error.status, error.detail, error.retryable)
    own = {**_headers(error), "Connection": "close", "X-Request-ID": current, "X-Content-Type-Options": "nosniff"}
    response = _response(error.status, {**members, "request_id": current}, "", own)
    status = f"HTTP/1.1 {error.status} {HTTPStatus(error.status).phrase}".encode()
    return b"\r\n".join([status, *(b": ".join(each) for each in response.raw_headers), b"", bytes(response.body)])


def _headers(error: TalkError) -> dict[str, str]:
    waits = {} if error.retry_after is None else {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    return waits | ({"Connection": "close"} if error.closes_connection else {})


def _members(code: str, title: str, status: int, detail: str, retryable: bool) -> dict[str, Any]:
    return {
        "type": f"urn:talk:problem:{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "retryable": retryable,
        "request_id": request_id(),
    }


def _response(status: int, body: dict[str, Any], accept: str, headers: dict[str, str]) -> Response:
    plain = "application/json" in accept.lower()
    return Response(
        orjson.dumps(body),
        status_code=status,
        media_type="application/json" if plain else "application/problem+json",
        headers={"Cache-Control": "no-store", **headers},
    )


async def on_talk_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for `TalkError`."""
    assert isinstance(error, TalkError)
    return problem(error, request.headers.get("accept", ""))


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's handler for what its router and parsers raise: unknown path, wrong method, bad form."""
    assert isinstance(error, HTTPException)
    code = _HTTP_CODES.get(error.status_code, "invalid_request" if error.status_code < 500 else "internal")
    title = HTTPStatus(error.status_code).phrase
    body = _members(code, title, error.status_code, f"{title}: {request.method} {request.url.path}", False)
    return _response(error.status_code, body, request.headers.get("accept", ""), dict(error.headers or {}))


EXCEPTION_HANDLERS: dict[Any, Any] = {TalkError: on_talk_error, HTTPException: on_http_exception}


class LastResortMiddleware:
    """What nothing else caught: logged with its stack, answered as 500 without one.

    After the first byte no answer is possible any more; the connection is then cut, so that a half body is
    never taken for a whole one.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watched_send(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        except Exception:
            log.exception("request_failed", path=scope["path"])
            if started:
                raise
            await problem(Internal(), Headers(scope=scope).get("accept", ""))(scope, receive, send)
