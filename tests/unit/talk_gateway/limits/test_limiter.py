"""Limits as they are counted: in memory, and in a real Redis, which may be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from talk_gateway import metrics
from talk_gateway.auth import Caller
from talk_gateway.directory import Agent
from talk_gateway.limits.counters import Counters, MemoryCounters, RedisCounters
from talk_gateway.limits.limiter import Limiter, Limits
from talk_gateway.limits.rules import Standing, headers
from talk_kit.api_keys import CallerLimits
from talk_kit.errors import RateLimited, Unavailable
from talk_kit.events import TurnCompleted
from talk_kit.identity import Identity
from talk_kit.redis_address import RedisAddress
from tests.fakes.valkey import Valkey, valkey

pytestmark = pytest.mark.loopback


def limits(**values: Any) -> Limits:
    """A loaded machine counts late: what is counted is the subject here, not how soon."""
    return Limits(count_seconds=20.0, **values)


ALICE, BOB = Caller("key:alice"), Caller("key:bob")
AGENT = Agent("assistant")


@pytest.fixture(scope="module")
def server() -> Iterator[Valkey]:
    with valkey() as running:
        yield running


@pytest.fixture(params=["memory", "redis"])
async def counters(request: pytest.FixtureRequest, server: Valkey) -> AsyncIterator[Counters]:
    with server.client() as client:
        client.flushall()
    made: Counters = MemoryCounters() if request.param == "memory" else RedisCounters(server.address)
    yield made
    await made.close()


async def begin(limiter: Limiter, caller: Caller = ALICE, agent: Agent = AGENT) -> list[Standing]:
    told: list[Standing] = []
    async with limiter.turn(caller, agent, told):
        return told


async def outcomes(limiter: Limiter, count: int, caller: Caller = ALICE, agent: Agent = AGENT) -> tuple[int, int]:
    """How many of so many at once are let in, and how many refused."""
    found = await asyncio.gather(*(begin(limiter, caller, agent) for _ in range(count)), return_exceptions=True)
    refused = [each for each in found if isinstance(each, RateLimited)]
    assert len(refused) + sum(isinstance(each, list) for each in found) == count, found
    return count - len(refused), len(refused)


async def test_callers_are_counted_apart_and_told_how_they_stand(counters: Counters) -> None:
    limiter = Limiter(limits(requests_per_minute=2), counters)
    (first,) = await begin(limiter)
    assert (first.rule.kind, first.left) == ("caller", 1)
    assert headers([first])["RateLimit-Policy"] == '"caller";q=2;w=60'
    await begin(limiter)
    with pytest.raises(RateLimited) as refused:
        await begin(limiter)
    assert refused.value.retry_after is not None
    assert 1 <= refused.value.retry_after <= 60
    assert refused.value.extra == {"limit": "caller"}
    await begin(limiter, BOB)


async def test_a_crowd_at_once_gets_exactly_what_there_is(counters: Counters) -> None:
    limiter = Limiter(limits(requests_per_minute=7, agent_requests_per_minute=9), counters)
    assert await outcomes(limiter, 40) == (7, 33)
    assert await outcomes(limiter, 40, BOB) == (2, 38)


async def test_gateways_that_share_a_redis_share_their_counts(server: Valkey) -> None:
    with server.client() as client:
        client.flushall()
    async with AsyncExitStack() as stack:
        limiters = [Limiter(limits(requests_per_minute=10), RedisCounters(server.address)) for _ in range(3)]
        for each in limiters:
            stack.push_async_callback(each.close)
        found = await asyncio.gather(*(outcomes(each, 12) for each in limiters))
    assert sum(let for let, _ in found) == 10


async def test_what_key_and_spec_say_goes_before_the_default(counters: Counters) -> None:
    limiter = Limiter(limits(requests_per_minute=1, agent_requests_per_minute=1), counters)
    generous = Caller("key:bot", limits=CallerLimits(requests_per_minute=0))
    assert await outcomes(limiter, 9, generous, Agent("examiner", requests_per_minute=3)) == (3, 6)
    assert await outcomes(limiter, 2, Caller("key:two", limits=CallerLimits(requests_per_minute=0))) == (1, 1)


@asynccontextmanager
async def turns(limiter: Limiter, count: int, caller: Caller = ALICE) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        for _ in range(count):
            await stack.enter_async_context(limiter.turn(caller, AGENT, []))
        yield


async def test_places_are_given_back(counters: Counters) -> None:
    limiter = Limiter(limits(concurrent_turns=2), counters)
    for _ in range(3):
        async with turns(limiter, 2):
            with pytest.raises(RateLimited) as refused:
                await begin(limiter)
            assert refused.value.extra == {"limit": "turns"}
            await begin(limiter, BOB)


async def test_a_cancelled_turn_gives_its_place_back(counters: Counters) -> None:
    limiter = Limiter(limits(concurrent_turns=1), counters)

    async def waits(inside: asyncio.Event) -> None:
        async with limiter.turn(ALICE, AGENT, []):
            inside.set()
            await asyncio.Event().wait()

    for _ in range(3):
        inside = asyncio.Event()
        turn = asyncio.create_task(waits(inside))
        await inside.wait()
        turn.cancel()
        await asyncio.gather(turn, return_exceptions=True)


async def test_an_agent_that_asks_another_takes_no_second_place(counters: Counters) -> None:
    limiter = Limiter(limits(concurrent_turns=1, requests_per_minute=1), counters)
    nested = Caller("key:alice", via=Identity("key:alice", "planner", "s"))
    async with turns(limiter, 1):
        assert await begin(limiter, nested) == []


async def completed(tokens: int) -> AsyncGenerator[Any, None]:
    yield TurnCompleted("x", usage={"input_tokens": tokens - 1, "output_tokens": 1})


async def test_tokens_of_the_day_are_used_up(counters: Counters) -> None:
    limiter = Limiter(limits(tokens_per_day=100, agent_tokens_per_day=1000), counters)
    for tokens in (60, 60):
        await begin(limiter)
        assert [event async for event in limiter.charged(completed(tokens), ALICE, AGENT)]
    with pytest.raises(RateLimited) as refused:
        await begin(limiter)
    assert refused.value.extra == {"limit": "tokens"}
    assert refused.value.retry_after is not None
    assert 80_000 < refused.value.retry_after <= 86_400
    await begin(limiter, BOB)
    assert [event async for event in limiter.charged(completed(2000), BOB, Agent("other"))]
    with pytest.raises(RateLimited) as refused:
        await begin(limiter, Caller("key:carol"), Agent("other"))
    assert refused.value.extra == {"limit": "agent-tokens"}


async def test_nobody_is_counted_where_there_is_no_limit() -> None:
    class Untouched:
        def __getattr__(self, name: str) -> Any:
            raise AssertionError(name)

    limiter = Limiter(limits(requests_per_minute=1, concurrent_turns=1, tokens_per_day=1), Untouched())
    await limiter.request("192.0.2.1", [])
    assert await begin(limiter, Caller()) == []


@pytest.mark.parametrize("fail_open", [True, False])
async def test_a_redis_that_is_away_decides_what_the_settings_say(fail_open: bool) -> None:
    outcome = "let_in" if fail_open else "refused"
    before = metrics.limits_unchecked.labels(outcome)._value.get()
    counters = RedisCounters(RedisAddress(host="127.0.0.1", port=1))
    limiter = Limiter(Limits(requests_per_minute=1, fail_open=fail_open), counters)
    for _ in range(3):
        if fail_open:
            assert await begin(limiter) == []
        else:
            with pytest.raises(Unavailable, match="cannot be checked"):
                await begin(limiter)
    assert metrics.limits_unchecked.labels(outcome)._value.get() == before + 3
    await limiter.close()


async def test_a_redis_that_is_silent_is_not_waited_for(server: Valkey) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as listener:
        port = listener.sockets[0].getsockname()[1]
        limiter = Limiter(Limits(requests_per_minute=1), RedisCounters(RedisAddress(host="127.0.0.1", port=port)))
        async with asyncio.timeout(10):
            for _ in range(50):
                assert await begin(limiter) == []
        await limiter.close()
