"""A model's endpoint behind its breaker: over HTTP, with our own class, and the chain around it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from talk_agent.models.build import build_model, chain_probe, endpoints
from talk_kit.breaker import State
from talk_kit.errors import CircuitOpen, ProviderFailed, ProviderUnreachable, TalkError
from talk_kit.http_client import HttpPool
from talk_kit.talkagent.secret import Secret
from talk_kit.talkagent.spec import ModelSpec
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.unit.talk_agent.models.conversation import Conversation

pytestmark = pytest.mark.loopback


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    async with HttpPool(clients=1) as pool:
        yield pool


@pytest.fixture
async def other() -> AsyncIterator[FakeLlm]:
    async with FakeLlm() as fake_llm:
        yield fake_llm


def spec(llm: FakeLlm, name: str = "openai/m") -> ModelSpec:
    return ModelSpec(name=name, base_url=llm.url)


class Chain:
    def __init__(self, pool: HttpPool, *specs: ModelSpec) -> None:
        self.retried: list[str] = []
        self.model = build_model(specs, pool=pool, secret=lambda _: Secret("sk"), on_retry=self.retried.append)
        self.guards = [endpoint.guard for endpoint in endpoints(self.model)]
        self.probe = chain_probe(self.model)

    async def fails(self, turns: int = 1) -> TalkError:
        """The error of the last of so many turns, none of which is answered."""
        errors = [(await Conversation(self.model).say("Hi.")).error for _ in range(turns)]
        assert None not in errors
        (*_, last) = errors
        assert last is not None
        return last

    async def says(self) -> str:
        turn = await Conversation(self.model).say("Hi.")
        assert turn.error is None
        return turn.text


async def test_a_failing_endpoint_is_asked_once_more_and_then_left_alone(llm: FakeLlm, pool: HttpPool) -> None:
    llm.default = fake.status(500)
    chain = Chain(pool, spec(llm))
    assert type(await chain.fails()) is ProviderFailed
    assert (len(llm.requests), chain.retried) == (2, ["openai/m"])

    error = await chain.fails(3)
    assert isinstance(error, CircuitOpen)
    assert error.retry_after
    assert error.retry_after <= 10
    assert len(llm.requests) == 5
    assert chain.guards[0].state is State.OPEN


async def test_what_was_begun_is_never_repeated(llm: FakeLlm, pool: HttpPool) -> None:
    llm.script(fake.streamed(fake.ROLE, fake.text("So far "), fake.reset()))
    assert type(await Chain(pool, spec(llm)).fails()) is ProviderFailed
    assert len(llm.requests) == 1


async def test_an_open_circuit_moves_on_to_the_next_model_at_once(llm: FakeLlm, other: FakeLlm, pool: HttpPool) -> None:
    llm.default = fake.status(500)
    chain = Chain(pool, spec(llm), spec(other))
    assert [guard.target for guard in chain.guards] == ["openai/m (1)", "openai/m (2)"]
    for _ in range(8):
        assert await chain.says() == fake.FIXED_REPLY
    assert (len(llm.requests), len(other.requests)) == (5, 8)

    other.default = fake.status(500)
    assert isinstance(await chain.fails(4), CircuitOpen)
    assert len(llm.requests) == 5
    assert len(other.requests) == 8 + 5


async def test_what_is_not_the_endpoints_fault_opens_no_circuit(llm: FakeLlm, pool: HttpPool) -> None:
    for answer in (fake.status(401), fake.status(429), fake.status(400), fake.status(404)):
        llm.default = answer
        chain = Chain(pool, spec(llm))
        before = len(llm.requests)
        assert not isinstance(await chain.fails(7), CircuitOpen)
        assert len(llm.requests) == before + 7
        assert not chain.retried


async def test_a_probe_that_finds_the_provider_back_closes_the_circuit(llm: FakeLlm, pool: HttpPool) -> None:
    chain = Chain(pool, spec(llm))
    await chain.probe.probe()
    port = llm.port
    await llm.stop()
    assert isinstance(await chain.fails(4), CircuitOpen)
    reachability = endpoints(chain.model)[0].reachability
    reachability._due = 0.0
    with pytest.raises(ProviderUnreachable):
        await chain.probe.probe()
    async with FakeLlm(port):
        reachability._due = 0.0
        await chain.probe.probe()
        assert chain.guards[0].state is State.CLOSED
        assert await chain.says() == fake.FIXED_REPLY


async def test_probes_that_always_went_well_do_not_close_it(llm: FakeLlm, pool: HttpPool) -> None:
    """A provider may list its models while it cannot run one."""
    llm.default = fake.status(500)
    chain = Chain(pool, spec(llm))
    await chain.probe.probe()
    assert isinstance(await chain.fails(4), CircuitOpen)
    endpoints(chain.model)[0].reachability._due = 0.0
    await chain.probe.probe()
    assert chain.guards[0].state is State.OPEN
