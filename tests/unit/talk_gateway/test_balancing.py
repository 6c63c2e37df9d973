"""Turns go to the pod with the fewest, and to another one only where they cannot have begun."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import httpx
import pytest
from prometheus_client import REGISTRY

from talk_gateway import agents_client
from talk_gateway.agents_client import TurnRequest, agent_turn
from talk_gateway.directory import Agent, Pods
from talk_kit.errors import (
    AgentNotReady,
    DeadlineExceeded,
    Draining,
    ProviderFailed,
    ProviderUnreachable,
    SessionBusy,
    TalkError,
)
from talk_kit.events import ReplyDelta, TurnCompleted
from talk_kit.http_client import HttpPool
from tests.fakes.agent import FakeAgent
from tests.fakes.serving import serve_all
from tests.fakes.waiting import eventually
from tests.unit.talk_gateway.conftest import StartGateway

pytestmark = pytest.mark.loopback

ASKED = TurnRequest("session", "Hello?")


@asynccontextmanager
async def pods_of(*agents: FakeAgent) -> AsyncIterator[tuple[HttpPool, list[str]]]:
    async with serve_all(*(agent.app() for agent in agents)) as urls, HttpPool() as pool:
        yield pool, urls


def nobody() -> str:
    """A URL where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def reply(pool: HttpPool, agent: Agent) -> str:
    async with aclosing(agent_turn(pool, agent, ASKED)) as events:
        (ending,) = [event async for event in events if isinstance(event, TurnCompleted)]
    return ending.reply


async def test_turns_under_way_are_spread_and_counted_until_they_end() -> None:
    gate = asyncio.Event()
    fakes = [FakeAgent(script=[gate, "done"]) for _ in range(3)]
    async with pods_of(*fakes) as (pool, urls):
        agent = Agent("helper", Pods(urls))
        async with asyncio.TaskGroup() as group:
            turns = [group.create_task(reply(pool, agent)) for _ in range(6)]
            await eventually(lambda: [len(fake.asked) for fake in fakes] == [2, 2, 2])
            assert [agent.pods.running(url) for url in urls] == [2, 2, 2]
            gate.set()
        assert [turn.result() for turn in turns] == ["done"] * 6
        assert [agent.pods.running(url) for url in urls] == [0, 0, 0]


async def test_a_draining_pod_and_one_that_is_gone_are_passed_over() -> None:
    draining, well = FakeAgent(refuse=Draining()), FakeAgent(script=["here"])
    async with pods_of(draining, well) as (pool, urls):
        agent = Agent("helper", Pods([nobody(), *urls]))
        assert await reply(pool, agent) == "here"
        assert (len(draining.asked), len(well.asked)) == (1, 1)
        # Both are left alone for a while.
        assert [await reply(pool, agent) for _ in range(3)] == ["here"] * 3
        assert (len(draining.asked), len(well.asked)) == (1, 4)
        assert all(agent.pods.running(url) == 0 for url in agent.pods.urls)


async def test_a_pod_that_falls_silent_is_given_up_and_the_wait_for_it_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(agents_client, "IDLE_SECONDS", 0.05)
    labels = {"target": "agent"}
    before = REGISTRY.get_sample_value("talk_gateway_timeouts_total", labels) or 0
    async with pods_of(FakeAgent(script=[asyncio.Event()])) as (pool, urls):
        with pytest.raises(DeadlineExceeded):
            await reply(pool, Agent("helper", Pods(urls)))
    assert REGISTRY.get_sample_value("talk_gateway_timeouts_total", labels) == before + 1


async def test_an_agents_own_deadline_is_no_wait_for_it() -> None:
    labels = {"target": "agent"}
    before = REGISTRY.get_sample_value("talk_gateway_timeouts_total", labels) or 0
    async with pods_of(FakeAgent(refuse=DeadlineExceeded())) as (pool, urls):
        with pytest.raises(DeadlineExceeded):
            await reply(pool, Agent("helper", Pods(urls)))
    assert REGISTRY.get_sample_value("talk_gateway_timeouts_total", labels) == before


async def test_three_pods_are_asked_at_most() -> None:
    fakes = [FakeAgent(refuse=Draining()) for _ in range(4)]
    async with pods_of(*fakes) as (pool, urls):
        with pytest.raises(Draining):
            await reply(pool, Agent("helper", Pods(urls)))
        assert sorted(len(fake.asked) for fake in fakes) == [0, 1, 1, 1]


async def test_an_agent_nobody_of_which_listens_is_not_ready() -> None:
    async with HttpPool() as pool:
        with pytest.raises(AgentNotReady, match="cannot be reached"):
            await reply(pool, Agent("helper", Pods([nobody(), nobody()])))
        with pytest.raises(AgentNotReady, match=r"helper is not ready: suspended"):
            await reply(pool, Agent("helper", Pods(), reason="suspended"))


@pytest.mark.parametrize("refusal", [SessionBusy(), ProviderUnreachable(), ProviderFailed(), AgentNotReady()])
async def test_any_other_refusal_is_the_callers(refusal: TalkError) -> None:
    one, other = FakeAgent(refuse=refusal), FakeAgent()
    async with pods_of(one, other) as (pool, urls):
        with pytest.raises(type(refusal)):
            await reply(pool, Agent("helper", Pods(urls)))
        assert (len(one.asked), len(other.asked)) == (1, 0)


async def test_a_turn_that_broke_off_is_not_repeated() -> None:
    one, other = FakeAgent(break_off=True), FakeAgent()
    async with pods_of(one, other) as (pool, urls):
        with pytest.raises(ProviderFailed, match="broke off"):
            await reply(pool, Agent("helper", Pods(urls)))
        assert (len(one.asked), len(other.asked)) == (1, 0)


async def test_a_pod_that_hangs_up_after_the_request_may_have_begun() -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"Hello?")
        writer.close()

    other = FakeAgent()
    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as server, pods_of(other) as (pool, urls):
        first = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        agent = Agent("helper", Pods([first, *urls]))
        with pytest.raises(ProviderFailed):
            await reply(pool, agent)
        assert other.asked == []
        assert agent.pods.running(first) == 0


class Breaking(httpx.AsyncBaseTransport):
    """A connection that breaks while the request is written, or after it."""

    def __init__(self, *, written: bool) -> None:
        self._written = written
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.host)
        trace = request.extensions["trace"]
        await trace("http11.send_request_headers.complete", {})
        if self._written:
            await trace("http11.send_request_body.complete", {})
        raise httpx.ReadError("reset")


@pytest.mark.parametrize(("written", "asked"), [(False, ["one", "two"]), (True, ["one"])])
async def test_a_request_that_did_not_leave_whole_is_repeated(written: bool, asked: list[str]) -> None:
    transport = Breaking(written=written)
    async with HttpPool(transport=transport) as pool:
        with pytest.raises(TalkError):
            await reply(pool, Agent("helper", Pods(["http://one", "http://two"])))
    assert transport.asked == asked


async def test_a_turn_that_is_closed_is_counted_no_more_and_ends_at_its_pod() -> None:
    fake = FakeAgent(script=["Hm. ", asyncio.Event()])
    async with pods_of(fake) as (pool, urls):
        agent = Agent("helper", Pods(urls))
        async with aclosing(agent_turn(pool, agent, ASKED)) as events:
            async for event in events:
                if isinstance(event, ReplyDelta):
                    assert agent.pods.running(urls[0]) == 1
                    break
        assert agent.pods.running(urls[0]) == 0
        await asyncio.wait_for(fake.closed_early.wait(), 5)


async def test_a_turn_that_is_cancelled_while_its_pod_is_silent_is_counted_no_more() -> None:
    fake = FakeAgent(script=[asyncio.Event()])
    async with pods_of(fake) as (pool, urls):
        agent = Agent("helper", Pods(urls))
        turn = asyncio.create_task(reply(pool, agent))
        await asyncio.wait_for(fake.begun.wait(), 5)
        turn.cancel()
        with pytest.raises(asyncio.CancelledError):
            await turn
        assert agent.pods.running(urls[0]) == 0


async def test_replicas_named_in_the_settings_share_the_turns(start_gateway: StartGateway) -> None:
    fakes = [FakeAgent(), FakeAgent()]
    async with serve_all(*(fake.app() for fake in fakes)) as urls:
        async with start_gateway(TALK_AGENTS=f"helper={'|'.join(urls)}") as gateway:
            for _ in range(4):
                answer = await gateway.client.post("/v1/agents/helper/chat", json={"message": "Hi"})
                assert answer.status_code == 200
            fakes[0].refuse = Draining()
            for _ in range(4):
                answer = await gateway.client.post("/v1/agents/helper/chat", json={"message": "Hi"})
                assert answer.status_code == 200
            metrics = (await gateway.client.get("/metrics")).text
    assert len(fakes[1].asked) >= 6
    assert 'talk_gateway_turns_moved_total{reason="draining"}' in metrics
