"""An agent as another one's tool: real agents, with a small stand-in for the gateway between them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_kit.context import outgoing_headers
from talk_kit.events import ToolCompleted, ToolStarted, TurnCompleted
from talk_kit.serving import middleware
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.serving import serve
from tests.fakes.waiting import eventually
from tests.unit.talk_agent.conftest import Agent, ServeAgent

pytestmark = pytest.mark.loopback


@dataclass
class Relay:
    """Passes each agent's route on to where it is served."""

    agents: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def app(self) -> Starlette:
        routes = [Route("/v1/agents/{name}/chat", self._chat, methods=["POST"])]
        return Starlette(routes=routes, middleware=middleware("gateway"))

    async def _chat(self, request: Request) -> Response:
        name, path = request.path_params["name"], request.headers.get("x-talk-call-path", "")
        body = await request.body()
        self.asked.append((name, path, orjson.loads(body)))
        if name not in self.agents:
            problem = {"code": "unknown_agent", "title": "Unknown agent", "detail": f"No agent is named {name!r}."}
            return Response(orjson.dumps(problem), 404, media_type="application/problem+json")
        headers = {**outgoing_headers(), "X-Talk-Call-Path": path}
        async with httpx.AsyncClient(timeout=30) as client:
            url = f"{self.agents[name]}/v1/agents/{name}/chat"
            answer = await client.post(url, content=body, headers=headers)
        return Response(answer.content, answer.status_code, media_type=answer.headers["content-type"])


@asynccontextmanager
async def together(serve_agent: ServeAgent, llm: FakeLlm, calls: dict[str, list[str]]) -> AsyncIterator[Any]:
    """Serves the agents of `calls` (name -> the agents that are its tools) behind a relay."""
    relay = Relay()
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(serve(relay.app()))
        served: dict[str, Agent] = {}
        for name, tools in calls.items():
            spec = {"tools": [{"agent": {"name": tool}} for tool in tools]} if tools else {}
            agent = serve_agent(llm.url, name=name, settings={"gateway_url": gateway}, instruction=name, **spec)
            served[name] = await stack.enter_async_context(agent)
            relay.agents[name] = served[name].url
        yield relay, served


def asks(agent: str, message: str = "Where to eat?", id_: str = "call_1") -> fake.Answer:
    return fake.tool_call(f"ask_{agent}", orjson.dumps({"message": message}).decode(), id_=id_)


def results(llm: FakeLlm, request: int = -1) -> list[str]:
    """What tools answered, as the model read it."""
    messages = llm.requests[request].json["messages"]
    return [message["content"] for message in messages if message["role"] == "tool"]


async def test_an_agent_asks_another_and_answers_with_it(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(asks("local_guide"), fake.reply("At the harbour.\u2028Try the fish."), fake.reply("Eat at the harbour."))
    async with together(serve_agent, llm, {"travel-planner": ["local-guide"], "local-guide": []}) as (relay, agents):
        events = await agents["travel-planner"].stream("I am hungry")

    started, completed = (e for e in events if isinstance(e, ToolStarted | ToolCompleted))
    assert started == ToolStarted("call_1", "ask_local_guide")
    assert completed == ToolCompleted("call_1", "ask_local_guide", "ok")
    assert isinstance(events[-1], TurnCompleted)
    assert events[-1].reply == "Eat at the harbour."
    assert relay.asked == [
        ("local-guide", "travel-planner", {"session_id": "s1.travel-planner", "message": "Where to eat?"})
    ]
    assert orjson.loads(results(llm)[0]) == {"result": "At the harbour.\u2028Try the fish."}


async def test_the_called_agent_keeps_its_conversation(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(*(answer for n in "12" for answer in (asks("b", n, f"call_{n}"), fake.reply("yes"), fake.reply("ok"))))
    async with together(serve_agent, llm, {"a": ["b"], "b": []}) as (_, agents):
        await agents["a"].say("one")
        await agents["a"].say("two")

    asked = [request.json["messages"] for request in llm.requests if request.json["messages"][0]["content"] == "b"]
    assert [message["role"] for message in asked[1]] == ["system", "user", "assistant", "user"]


async def test_the_model_reads_what_the_other_agent_is_for(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    guide = {
        "apiVersion": "talk.dwani.ai/v1alpha1",
        "kind": "TalkAgent",
        "metadata": {"name": "local-guide"},
        "spec": {"instruction": "Guide.", "description": "Knows the {town}."},
    }
    async with serve_agent(llm.url, documents=(guide,), tools=[{"agent": {"name": "local-guide"}}]) as agent:
        await agent.say("Hello")

    (tool,) = llm.requests[0].json["tools"]
    assert tool["function"]["name"] == "ask_local_guide"
    assert tool["function"]["description"] == "Knows the {town}."
    assert tool["function"]["parameters"]["required"] == ["message"]


async def test_a_cycle_is_an_error_of_the_tool(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(asks("b"), asks("a"), fake.reply("b cannot ask a"), fake.reply("done"))
    async with together(serve_agent, llm, {"a": ["b"], "b": ["a"]}) as (relay, agents):
        response = await agents["a"].say("Hello")

    assert response.json()["reply"] == "done"
    assert [name for name, _, _ in relay.asked] == ["b"]
    assert "waits for this answer itself" in results(llm, 2)[0]
    assert orjson.loads(results(llm, 3)[0]) == {"result": "b cannot ask a"}


async def test_calls_are_at_most_three_deep(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(asks("b"), asks("c"), asks("d"), asks("e"), *(fake.reply(name) for name in "dcba"))
    chain = {"a": ["b"], "b": ["c"], "c": ["d"], "d": ["e"], "e": []}
    async with together(serve_agent, llm, chain) as (relay, agents):
        response = await agents["a"].say("Hello")

    assert response.json()["reply"] == "a"
    assert [(name, path) for name, path, _ in relay.asked] == [("b", "a"), ("c", "a,b"), ("d", "a,b,c")]
    assert "3 deep" in results(llm, 4)[0]


async def test_an_agent_that_is_not_there_is_an_error_for_the_model(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(asks("nobody"), fake.reply("Nobody is there."))
    async with together(serve_agent, llm, {"a": ["nobody"]}) as (_, agents):
        events = await agents["a"].stream("Hello")

    assert ToolCompleted("call_1", "ask_nobody", "error") in events
    assert isinstance(events[-1], TurnCompleted)
    assert "could not answer: No agent is named 'nobody'" in results(llm)[0]


async def test_a_failure_of_the_called_agent_is_an_error_for_the_model(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(asks("b"), fake.status(500), fake.status(500), fake.reply("It failed."))
    async with together(serve_agent, llm, {"a": ["b"], "b": []}) as (_, agents):
        response = await agents["a"].say("Hello")

    assert response.json()["reply"] == "It failed."
    assert "secret" not in results(llm)[0]


async def test_a_client_that_goes_ends_the_called_agents_turn_too(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    inside = asyncio.Event()
    llm.script(asks("b"), fake.streamed(fake.ROLE, fake.reached(inside), fake.stall()))
    async with together(serve_agent, llm, {"a": ["b"], "b": []}) as (_, agents):
        asking = asyncio.create_task(agents["a"].say("Hello"))
        await inside.wait()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await eventually(lambda: not len(agents["a"].service.turns))


async def test_one_request_id_goes_through_all_agents(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    llm.script(asks("b"), fake.reply("yes"), fake.reply("ok"))
    async with together(serve_agent, llm, {"a": ["b"], "b": []}) as (_, agents):
        await agents["a"].post({"message": "Hello"}, {"X-Request-ID": "r-17"})

    assert [request.headers["x-request-id"] for request in llm.requests] == ["r-17"] * 3
