"""A recording out of a multipart form, within bounds of bytes and time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from talk_kit.errors import Cancelled, InvalidRequest, TooLarge

# Boundaries, part headers and the few small fields that forms carry beside the file.
FORM_BYTES_BESIDES = 65_536
FIELD_BYTES = 4_096
# So much of a body that is too large is read and dropped, that a client which only reads when it has sent
# everything sees the answer: four times the largest file, or ten seconds of it.
DRAINED_TIMES = 4
DRAIN_SECONDS = 10.0


class _OverLimit(Exception):
    """The body has more bytes than any accepted file; a header of its length is not believed either way."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Bytes of the file, and seconds for all of the body."""

    file_bytes: int
    seconds: float


async def read_recording(request: Request, limits: UploadLimits) -> bytes:
    """The bytes of the part named `file`. TooLarge over the limit; InvalidRequest for what is no such form."""
    try:
        async with asyncio.timeout(limits.seconds):
            return await _read(request, limits)
    except TimeoutError as error:
        raise InvalidRequest(f"The upload did not arrive within {limits.seconds:g} s.") from error
    except ClientDisconnect as error:
        raise Cancelled from error


async def _read(request: Request, limits: UploadLimits) -> bytes:
    most = limits.file_bytes + FORM_BYTES_BESIDES
    bounded = Request(request.scope, _bounded(request.receive, most))
    try:
        async with bounded.form(max_files=1, max_fields=8, max_part_size=FIELD_BYTES) as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise InvalidRequest("Send multipart/form-data with the recording as a file in the part named file.")
            data = await upload.read()
    except _OverLimit:
        await _drain(request.receive, most * DRAINED_TIMES)
        raise TooLarge(_too_large(limits)) from None
    except HTTPException as error:
        raise InvalidRequest(f"The multipart form cannot be read: {error.detail}") from error
    if len(data) > limits.file_bytes:
        raise TooLarge(_too_large(limits))
    if not data:
        raise InvalidRequest("The recording is empty.")
    return data


def _too_large(limits: UploadLimits) -> str:
    return f"The recording is larger than {limits.file_bytes} bytes; send a shorter or a compressed one."


def _bounded(receive: Receive, most: int) -> Receive:
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > most:
            raise _OverLimit
        return message

    return counted


async def _drain(receive: Receive, most: int) -> None:
    dropped = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while dropped < most:
                message = await receive()
                dropped += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
