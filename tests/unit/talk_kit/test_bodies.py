"""How slowly a body may come, and what is said of one that is slower."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.types import Message, Receive

from talk_kit.bodies import Pace, paced, read_body
from talk_kit.errors import Cancelled, SlowRequest, TooLarge

AT_ONCE = Pace(60.0)
SLOW = Pace(60.0, rate=1, grace=0.01)


def arriving(*parts: bytes, then: Message | None = None) -> Receive:
    """Parts that are there already, and then this message, or nothing for ever."""
    left = [{"type": "http.request", "body": part, "more_body": True} for part in parts]

    async def receive() -> Message:
        if left:
            return left.pop(0)
        if then is None:
            await asyncio.Event().wait()
        assert then is not None
        return then

    return receive


END: Message = {"type": "http.request", "body": b"", "more_body": False}


def request(receive: Receive) -> Request:
    return Request({"type": "http", "method": "POST", "headers": []}, receive)


@pytest.mark.parametrize(
    ("pace", "seen", "due"),
    [
        (Pace(60.0, rate=500, grace=10.0), 0, 10.0),
        (Pace(60.0, rate=500, grace=10.0), 5_000, 20.0),
        (Pace(60.0, rate=500, grace=10.0), 1_000_000, 60.0),
        (Pace(60.0, rate=0), 0, 60.0),
        (Pace(5.0, rate=500, grace=10.0), 0, 5.0),
    ],
)
def test_more_is_due_by_what_has_come_and_all_by_the_end(pace: Pace, seen: int, due: float) -> None:
    assert pace.due(seen) == due


@given(st.integers(0, 2**31), st.integers(0, 2**20), st.floats(1, 3600), st.integers(0, 2**30))
def test_more_bytes_never_make_it_due_sooner(seen: int, more: int, seconds: float, rate: int) -> None:
    pace = Pace(seconds, rate)
    assert 0 < pace.due(seen) <= pace.due(seen + more) <= seconds


async def test_a_body_in_time_is_read_whole() -> None:
    assert await read_body(request(arriving(b"a", b"bc", then=END)), 3, AT_ONCE) == b"abc"


async def test_a_body_behind_its_pace_is_ended_with_its_connection() -> None:
    with pytest.raises(SlowRequest, match="slower than 1 bytes") as told:
        await read_body(request(arriving(b"")), 10, SLOW)
    assert (told.value.status, told.value.closes_connection) == (408, True)


async def test_a_body_that_keeps_its_pace_has_the_whole_time_and_no_more() -> None:
    with pytest.raises(SlowRequest, match=r"within 0\.01 s"):
        await read_body(request(arriving(b"a" * 10_000)), 10_000, Pace(0.01, rate=1))


async def test_what_has_arrived_counts_however_late_it_is_looked_at() -> None:
    receive = paced(arriving(b"a", then=END), SLOW)
    await asyncio.sleep(0.03)
    assert (await receive())["body"] == b"a"
    assert await receive() == END


async def test_a_body_over_its_size_and_a_client_that_goes_have_their_own_errors() -> None:
    with pytest.raises(TooLarge):
        await read_body(request(arriving(b"abc")), 2, AT_ONCE)
    with pytest.raises(Cancelled):
        await read_body(request(arriving(b"abc", then={"type": "http.disconnect"})), 5, AT_ONCE)
