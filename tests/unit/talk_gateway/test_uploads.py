"""Any body that claims to be a form with a recording is one, or is refused in Talk's own words and in bounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message

from talk_gateway.uploads import FORM_BYTES_BESIDES, UploadLimits, read_recording
from talk_kit.bodies import Pace
from talk_kit.errors import Cancelled, InvalidRequest, TooLarge

LIMITS = UploadLimits(file_bytes=2000, pace=Pace(5))
MOST = LIMITS.file_bytes + FORM_BYTES_BESIDES
FORM = "multipart/form-data; boundary=b"
NAMED = b'Content-Disposition: form-data; name="file"'
PARTS = st.sampled_from(
    [
        *b'--b --b-- -- b : ; = " \x00 \xff'.split(),
        *(b"\r\n", b"\n", b"\r\n\r\n", b"data" * 200),
        *(NAMED, NAMED + b'; filename="a.wav"', b"Content-Disposition: form-data"),
        *(b"Content-Type: text/plain; charset=nothing", b"Content-Transfer-Encoding: x"),
        b"--b\r\n%b; filename*=UTF-8''%%ff\r\n\r\n" % NAMED,
    ]
)
BODIES = st.lists(PARTS | st.binary(max_size=20), max_size=30).map(b"".join)
TYPES = st.sampled_from(
    [FORM, "multipart/form-data", "multipart/form-data; boundary=", "application/x-www-form-urlencoded"]
)


class Body:
    """A request's body in pieces, and how much of it was read; `ends` is False for a client that goes."""

    def __init__(self, pieces: list[bytes], *, ends: bool = True) -> None:
        self._pieces = pieces
        self._ends = ends
        self.read = 0

    async def receive(self) -> Message:
        if not self._pieces:
            return {"type": "http.request", "body": b""} if self._ends else {"type": "http.disconnect"}
        piece = self._pieces.pop(0)
        self.read += len(piece)
        return {"type": "http.request", "body": piece, "more_body": bool(self._pieces) or not self._ends}

    def request(self, content_type: str) -> Request:
        headers = [(b"content-type", content_type.encode("latin-1"))]
        # With an app, as in one, Starlette refuses by HTTPException.
        return Request({"app": None, "type": "http", "method": "POST", "path": "/", "headers": headers}, self.receive)


def form(recording: bytes) -> bytes:
    return b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n%b\r\n--b--\r\n' % recording


@settings(deadline=None)
@given(BODIES, st.integers(1, 50), TYPES | st.text(st.characters(codec="latin-1"), max_size=60), st.booleans())
async def test_any_body_is_a_recording_or_refused(body: bytes, size: int, content_type: str, ends: bool) -> None:
    sent = Body([body[at : at + size] for at in range(0, len(body), size)], ends=ends)
    try:
        recording = await read_recording(sent.request(content_type), LIMITS)
    except (InvalidRequest, TooLarge, Cancelled):
        return
    assert 0 < len(recording) <= LIMITS.file_bytes
    assert recording in body


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=2000).filter(lambda data: b"--b" not in data), st.integers(1, 200))
async def test_where_the_network_cuts_changes_nothing(recording: bytes, size: int) -> None:
    body = form(recording)
    sent = Body([body[at : at + size] for at in range(0, len(body), size)])
    assert await read_recording(sent.request(FORM), LIMITS) == recording


@pytest.mark.parametrize(
    "body",
    [form(b"x" * 1_000_000), b"--b\r\n" * 200_000, b"--b\r\nX: " + b"x" * 1_000_000, b"x" * 1_000_000],
    ids=["a long file", "many parts", "a long header", "no form"],
)
async def test_no_form_is_kept_beyond_its_bounds(body: bytes) -> None:
    sent = Body([body[at : at + 4096] for at in range(0, len(body), 4096)])
    try:
        await read_recording(sent.request(FORM), LIMITS)
    except TooLarge:
        assert sent.read <= 4 * MOST + MOST + 4096
    except InvalidRequest:
        assert sent.read <= MOST + 4096
    else:
        raise AssertionError("more than the largest recording was taken")
