"""A recording out of a multipart form, within bounds of bytes and time."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from talk_kit.bodies import Pace, drain, paced
from talk_kit.errors import Cancelled, InvalidRequest, TooLarge

# Boundaries, part headers and the few small fields that forms carry beside the file.
FORM_BYTES_BESIDES = 65_536
FIELD_BYTES = 4_096


class _OverLimit(Exception):
    """The body has more bytes than any accepted file; a header of its length is not believed either way."""


@dataclass(frozen=True, slots=True)
class UploadLimits:
    """Bytes of the file, and how slowly the body may come."""

    file_bytes: int
    pace: Pace


async def read_recording(request: Request, limits: UploadLimits) -> bytes:
    """The bytes of the part named `file`. TooLarge over the limit; SlowRequest behind its pace; InvalidRequest for
    what is no such form."""
    try:
        return await _read(request, limits)
    except ClientDisconnect as error:
        raise Cancelled from error


async def _read(request: Request, limits: UploadLimits) -> bytes:
    most = limits.file_bytes + FORM_BYTES_BESIDES
    bounded = Request(request.scope, _bounded(paced(request.receive, limits.pace), most))
    try:
        async with bounded.form(max_files=1, max_fields=8, max_part_size=FIELD_BYTES) as form:
            upload = form.get("file")
            if not isinstance(upload, UploadFile):
                raise InvalidRequest("Send multipart/form-data with the recording as a file in the part named file.")
            data = await upload.read()
    except _OverLimit:
        await drain(request.receive, most)
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
