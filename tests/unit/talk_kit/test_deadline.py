"""The time that is left of a request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_kit import deadline
from talk_kit.errors import DeadlineExceeded, InvalidRequest, OutOfTime

NEVER = 3600.0


async def items(*steps: str | float) -> AsyncGenerator[str, None]:
    for step in steps:
        if isinstance(step, str):
            yield step
        else:
            await asyncio.sleep(step)


async def listed(stream: AsyncGenerator[str, None]) -> list[str]:
    return [item async for item in stream]


@pytest.mark.parametrize(("header", "seconds"), [("2.5", 2.5), ("30", 30), (" 1 ", 1), ("0.001", 0.001)])
def test_seconds_are_read(header: str, seconds: float) -> None:
    assert deadline.parse(header) == seconds


@pytest.mark.parametrize("header", ["", "0", "0.0", "-1", "1e3", "2s", "nan", "inf", "1,5", "٣", "1 2", "9" * 30])
def test_what_is_no_time_says_what_to_send(header: str) -> None:
    with pytest.raises(InvalidRequest, match=r"X-Request-Timeout is a number of seconds over 0, such as 2\.5"):
        deadline.parse(header)


@given(st.text())
def test_no_header_breaks_it(header: str) -> None:
    try:
        seconds = deadline.parse(header)
    except InvalidRequest:
        return
    assert seconds is not None
    assert seconds > 0


async def test_a_caller_can_only_shorten_our_own_bound() -> None:
    assert deadline.begin("1000", 60).seconds == 60
    assert deadline.begin("2", 60).seconds == 2
    assert deadline.begin(None, 60).seconds == 2, "and what is begun within it cannot lengthen it"


async def test_each_call_gets_what_is_left() -> None:
    assert deadline.bounded(5) == 5
    assert deadline.outgoing_headers() == {}
    deadline.begin("2", 60)
    assert deadline.bounded(0.5) == 0.5
    assert 1.5 < deadline.bounded(5) <= 2
    assert 1.5 < float(deadline.outgoing_headers()["X-Request-Timeout"]) <= 2
    assert deadline.over() is None


async def test_it_holds_in_the_tasks_of_a_request_and_not_in_another_request() -> None:
    async def request(header: str) -> float:
        deadline.begin(header, 60)
        return await asyncio.create_task(asyncio.to_thread(deadline.bounded, 100), name="inner")

    first, second = await asyncio.gather(
        asyncio.create_task(request("1"), name="first"), asyncio.create_task(request("2"), name="second")
    )
    assert first <= 1 < second <= 2
    assert deadline.current() is None


async def test_when_it_is_over_nothing_more_is_begun() -> None:
    deadline.begin("0.000001", 60)
    with pytest.raises(OutOfTime):
        deadline.bounded(5)
    assert isinstance(deadline.over(), OutOfTime)
    assert float(deadline.outgoing_headers()["X-Request-Timeout"]) > 0


async def test_items_end_with_the_deadline_whoever_is_waited_for() -> None:
    deadline.begin("0.05", 60)
    seen = []
    with pytest.raises(OutOfTime, match=r"0\.05 s"):
        async for item in deadline.kept(items("a", "b", NEVER, "c")):
            seen.append(item)
    assert seen == ["a", "b"]


async def test_without_a_deadline_items_pass() -> None:
    assert await listed(deadline.kept(items("a", 0.0, "b"))) == ["a", "b"]


@pytest.mark.parametrize(
    ("steps", "first", "total", "seen"),
    [
        ((NEVER, "a"), 0.05, 5.0, [[]]),
        (("a", NEVER), 0.05, 0.1, [["a"]]),
        # How many come in time is the machine's.
        (("a", 0.03, "b", 0.03, "c", 0.03, "d"), 0.05, 0.05, [["a"], ["a", "b"], ["a", "b", "c"]]),
    ],
)
async def test_an_endpoint_has_a_bound_for_its_beginning_and_for_all(
    steps: tuple[str | float, ...], first: float, total: float, seen: list[list[str]]
) -> None:
    found = []
    with pytest.raises(DeadlineExceeded, match=r"^The model did not answer in time") as failure:
        async for item in deadline.paced(items(*steps), first=first, total=total, target="The model"):
            found.append(item)
    assert found in seen
    assert failure.value.blames_endpoint


async def test_the_readers_own_time_is_not_the_endpoints() -> None:
    found = []
    async for item in deadline.paced(items("a", "b", "c"), first=0.05, total=0.05, target="The model"):
        found.append(item)
        await asyncio.sleep(0.06)
    assert found == ["a", "b", "c"]


async def test_an_endpoint_is_not_to_blame_for_a_caller_in_a_hurry() -> None:
    deadline.begin("0.05", 60)
    with pytest.raises(OutOfTime) as failure:
        await listed(deadline.paced(items(NEVER), first=5, total=5, target="The model"))
    assert not failure.value.blames_endpoint


async def test_a_time_out_of_somebody_else_stays_theirs() -> None:
    async def broken() -> AsyncGenerator[str, None]:
        yield "a"
        raise TimeoutError("mine")

    deadline.begin(None, 60)
    with pytest.raises(TimeoutError, match="mine"):
        await listed(deadline.paced(broken(), first=5, total=5, target="The model"))
    with pytest.raises(TimeoutError, match="mine"):
        await listed(deadline.kept(broken()))
