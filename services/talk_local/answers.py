"""Answers in OpenAI's shapes: errors, and bodies that are sent while they are made."""

from __future__ import annotations

import math
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from talk_kit.disconnect import until_disconnect
from talk_kit.errors import Cancelled, InvalidRequest, NotFound, TalkError


def failure(error: TalkError) -> Response:
    """`{"error": {"message", "type", "param", "code"}}`, as OpenAI's clients read it."""
    headers = {} if error.retry_after is None else {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    kind = "server_error" if error.status >= 500 else "invalid_request_error"
    body = {"error": {"message": error.detail, "type": kind, "param": None, "code": error.code}}
    return JSONResponse(body, error.status, headers={"Cache-Control": "no-store", **headers})


async def on_talk_error(_request: Request, error: Exception) -> Response:
    """Starlette's handler for `TalkError`."""
    assert isinstance(error, TalkError)
    return failure(error)


async def on_http_exception(request: Request, error: Exception) -> Response:
    """Starlette's handler for unknown paths, wrong methods and forms that cannot be parsed."""
    assert isinstance(error, HTTPException)
    said = f"{error.detail}: {request.method} {request.url.path}"
    response = failure(NotFound(said) if error.status_code == 404 else InvalidRequest(said))
    response.status_code = error.status_code
    response.headers.update(error.headers or {})
    return response


EXCEPTION_HANDLERS: dict[Any, Any] = {TalkError: on_talk_error, HTTPException: on_http_exception}


# No proxy may hold back, keep or recode what is streamed.
UNBUFFERED = {"Cache-Control": "no-store, no-transform", "X-Accel-Buffering": "no"}


class Head(NamedTuple):
    """Status and headers; the first thing that a streamed answer's generator gives."""

    status: int
    headers: Mapping[str, str]


class Streamed(Response):
    """An answer whose generator gives its `Head`, then its bytes.

    An error before the head is answered with its own status. When the client goes, at any time, the generator is
    closed at once, and so is whatever it holds.
    """

    def __init__(self, parts: AsyncGenerator[Head | bytes, None]) -> None:
        super().__init__()
        self._parts = parts

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await until_disconnect(receive, self._write(send))
        except Cancelled:
            return

    async def _write(self, send: Send) -> None:
        async with aclosing(self._parts) as parts:
            async for part in parts:
                if isinstance(part, Head):
                    headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in part.headers.items()]
                    await send({"type": "http.response.start", "status": part.status, "headers": headers})
                else:
                    await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
