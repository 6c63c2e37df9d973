"""Reading request bodies, with a bound."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import Message

from talk_kit.errors import InvalidRequest, TooLarge

UPLOAD_BYTES = 26_214_400  # OpenAI's 25 MB
JSON_BYTES = 4_194_304
_FORM_OVERHEAD = 65_536


async def json_bytes(request: Request) -> bytes:
    """The body as it came; TooLarge over `JSON_BYTES`."""
    return await _bounded(request, JSON_BYTES).body()


def json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in a body."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("The body is not JSON.") from error
    if not isinstance(parsed, dict):
        raise InvalidRequest("The body is not a JSON object.")
    return parsed


@asynccontextmanager
async def form(request: Request) -> AsyncIterator[FormData]:
    """A multipart form, open inside the block (it may hold a temporary file); InvalidRequest when it is none."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise InvalidRequest("Send multipart/form-data with the recording as `file`.")
    try:
        fields = await _bounded(request, UPLOAD_BYTES + _FORM_OVERHEAD).form(max_files=4, max_fields=32)
    except HTTPException as error:
        raise InvalidRequest("The form cannot be read.") from error
    try:
        yield fields
    finally:
        await fields.close()


async def upload(fields: FormData) -> bytes:
    """The bytes of the form's one `file`."""
    files = fields.getlist("file")
    if len(files) != 1 or not isinstance(files[0], UploadFile):
        raise InvalidRequest("Send exactly one recording as `file`, with a file name.")
    data = await files[0].read()
    if len(data) > UPLOAD_BYTES:
        raise TooLarge("The recording is over 25 MB.")
    return data


def _bounded(request: Request, limit: int) -> Request:
    """The same request, which raises TooLarge once its body has grown over `limit` bytes."""
    seen = 0

    async def receive() -> Message:
        nonlocal seen
        message = await request.receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise TooLarge(f"The body is over {limit >> 20} MB.")
        return message

    return Request(request.scope, receive)
