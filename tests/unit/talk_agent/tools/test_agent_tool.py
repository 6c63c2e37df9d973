from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from google.adk.models.llm_request import LlmRequest
from google.adk.tools.tool_context import ToolContext
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from talk_agent.run_context import RunContext, current_run
from talk_agent.tools.agent_tool import AgentTool, next_path
from talk_agent.tools.directory import AgentDirectory
from talk_kit import deadline
from talk_kit.context import RequestContextMiddleware
from talk_kit.errors import DeadlineExceeded, InvalidRequest, ProviderFailed, SessionBusy, TalkError, Unavailable
from talk_kit.http_client import HttpPool
from talk_kit.names import called_session
from talk_kit.problems import EXCEPTION_HANDLERS
from tests.fakes.serving import serve

pytestmark = pytest.mark.loopback

NOT_USED = cast(ToolContext, None)


@dataclass
class FakeGateway:
    """Answers for every agent: `answer` as JSON, or an error, or never while `gate` is shut."""

    answer: Any = field(default_factory=lambda: {"reply": "It is warm."})
    error: TalkError | None = None
    gate: asyncio.Event | None = None
    agents: Any = field(default_factory=lambda: {"agents": []})
    asked: list[tuple[str, dict[str, Any], dict[str, str]]] = field(default_factory=list)
    listed: int = 0

    def app(self) -> Starlette:
        routes = [
            Route("/v1/agents/{name}/chat", self._chat, methods=["POST"]),
            Route("/v1/agents", self._agents),
        ]
        return Starlette(routes=routes, exception_handlers=EXCEPTION_HANDLERS)

    async def _chat(self, request: Request) -> Response:
        self.asked.append((request.path_params["name"], await request.json(), dict(request.headers)))
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        return JSONResponse(self.answer)

    async def _agents(self, _request: Request) -> Response:
        self.listed += 1
        return JSONResponse(self.agents)


@pytest.fixture
async def pool() -> AsyncIterator[HttpPool]:
    async with HttpPool(clients=1) as pool:
        yield pool


def tool(pool: HttpPool, url: str | None, **descriptions: str) -> AgentTool:
    directory = AgentDirectory(descriptions, pool=pool, gateway_url=url)
    return AgentTool(caller="planner", agent="local-guide", pool=pool, gateway_url=url, directory=directory)


def in_turn(*path: str, seconds: float = 30.0, session_id: str = "s1") -> None:
    current_run.set(RunContext(session_id, path, ""))
    deadline.begin(None, seconds)


async def ask(tool: AgentTool, message: object = "How warm is it?") -> dict[str, str]:
    return await tool.run_async(args={"message": message}, tool_context=NOT_USED)


async def test_the_agent_is_asked_in_a_session_of_its_own(pool: HttpPool) -> None:
    gateway = FakeGateway()
    in_turn("viva-examiner")
    async with serve(gateway.app()) as url:
        assert await ask(tool(pool, url)) == {"result": "It is warm."}

    name, body, headers = gateway.asked[0]
    assert name == "local-guide"
    assert body == {"session_id": "s1.planner", "message": "How warm is it?"}
    assert headers["x-talk-call-path"] == "viva-examiner,planner"


async def test_an_agent_of_another_namespace_is_asked_by_the_name_that_the_gateway_knows(pool: HttpPool) -> None:
    listed = [
        {"name": "local-guide", "description": "Another one."},
        {"name": "local-guide.team", "description": "Ours."},
    ]
    gateway = FakeGateway(agents={"agents": listed})
    in_turn("viva-examiner")
    async with serve(gateway.app()) as url:
        directory = AgentDirectory({"planner": ""}, pool=pool, gateway_url=url)
        ours = AgentTool(
            caller="planner", agent="local-guide", namespace="team", pool=pool, gateway_url=url, directory=directory
        )
        assert await ask(ours) == {"result": "It is warm."}
        await ours.process_llm_request(tool_context=NOT_USED, llm_request=LlmRequest())

    name, body, headers = gateway.asked[0]
    assert name == "local-guide.team"
    assert body["session_id"] == "s1.planner"
    assert headers["x-talk-call-path"] == "viva-examiner,planner"
    assert (ours.name, ours.description) == ("ask_local_guide", "Ours.")


async def test_request_id_and_trace_go_along(pool: HttpPool) -> None:
    gateway = FakeGateway()

    async def through(request: Request) -> Response:
        in_turn()
        return JSONResponse(await ask(tool(pool, url)))

    outer = Starlette(routes=[Route("/", through)])
    outer.add_middleware(RequestContextMiddleware)
    async with serve(gateway.app()) as url, serve(outer) as caller:
        traced = {"X-Request-ID": "r-1", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
        await pool.request("GET", caller, headers=traced)

    headers = gateway.asked[0][2]
    assert headers["x-request-id"] == "r-1"
    assert headers["traceparent"].split("-")[1] == "a" * 32


@pytest.mark.parametrize("text", ["one\u2028two\u2029three\u0085four\r\nfive", "नमस्ते 👋🏽", "{city} \x00 </think>"])
async def test_text_is_whole_in_both_directions(pool: HttpPool, text: str) -> None:
    gateway = FakeGateway(answer={"reply": text})
    in_turn()
    async with serve(gateway.app()) as url:
        assert await ask(tool(pool, url), text) == {"result": text}

    assert gateway.asked[0][1]["message"] == text


async def test_an_error_of_the_other_agent_keeps_its_kind_and_names_the_agent(pool: HttpPool) -> None:
    in_turn()
    async with serve(FakeGateway(error=SessionBusy("Another turn runs.")).app()) as url:
        with pytest.raises(SessionBusy, match="'local-guide' could not answer: Another turn runs"):
            await ask(tool(pool, url))


@pytest.mark.parametrize("answer", [["a list"], "a string", 7])
async def test_an_answer_that_is_no_object_is_an_error(pool: HttpPool, answer: object) -> None:
    in_turn()
    async with serve(FakeGateway(answer=answer).app()) as url:
        with pytest.raises(ProviderFailed):
            await ask(tool(pool, url))


async def test_the_call_ends_with_the_turn(pool: HttpPool) -> None:
    gateway = FakeGateway(gate=asyncio.Event())
    in_turn(seconds=0.05)
    async with serve(gateway.app()) as url:
        with pytest.raises(DeadlineExceeded):
            await ask(tool(pool, url))
        assert gateway.gate
        gateway.gate.set()


async def test_without_a_gateway_the_tool_says_what_is_missing(pool: HttpPool) -> None:
    in_turn()
    with pytest.raises(Unavailable, match="TALK_GATEWAY_URL"):
        await ask(tool(pool, None))


async def test_a_gateway_that_is_gone_is_an_error_of_the_tool(pool: HttpPool) -> None:
    in_turn()
    with pytest.raises(Unavailable, match="local-guide"):
        await ask(tool(pool, "http://127.0.0.1:9"))


@pytest.mark.parametrize("message", [None, "", "  ", 7, ["x"]])
async def test_a_call_without_a_message_is_an_error_of_the_tool(pool: HttpPool, message: object) -> None:
    in_turn()
    with pytest.raises(InvalidRequest):
        await ask(tool(pool, "http://127.0.0.1:9"), message)


@pytest.mark.parametrize(
    ("path", "caller", "agent"),
    [((), "a", "a"), (("a",), "b", "a"), (("a", "b"), "c", "b"), (("a", "b", "c"), "d", "e")],
)
def test_cycles_and_long_paths_are_errors_of_the_tool(path: tuple[str, ...], caller: str, agent: str) -> None:
    with pytest.raises(InvalidRequest):
        next_path(path, caller, agent)


def test_three_calls_deep_is_allowed() -> None:
    path: tuple[str, ...] = ()
    for caller, agent in (("a", "b"), ("b", "c"), ("c", "d")):
        path = next_path(path, caller, agent)
    assert path == ("a", "b", "c")


def test_sessions_of_called_agents_stay_within_the_bound_and_apart() -> None:
    assert called_session("s", "planner") == "s.planner"
    long, other = called_session("x" * 128, "p" * 40), called_session("x" * 127 + "y", "p" * 40)
    assert len(long) <= 128
    assert long != other
    assert long.endswith("." + "p" * 40)


async def test_the_description_in_the_same_file_is_what_the_model_reads(pool: HttpPool) -> None:
    described = AgentDirectory({"local-guide": "Knows the town."}, pool=pool, gateway_url="http://127.0.0.1:9")

    assert await described.description("local-guide") == "Knows the town."


async def test_a_description_is_looked_up_at_the_gateway_once_in_a_while(pool: HttpPool) -> None:
    gateway = FakeGateway(agents={"agents": [{"name": "local-guide", "description": "Knows the town.", "ready": True}]})
    now = 100.0
    async with serve(gateway.app()) as url:
        directory = AgentDirectory({}, pool=pool, gateway_url=url, clock=lambda: now)
        assert await directory.description("local-guide") == "Knows the town."
        assert await directory.description("nobody") is None
        assert gateway.listed == 1
        now += 61.0
        await directory.description("local-guide")
        assert gateway.listed == 2


@pytest.mark.parametrize("agents", [{}, {"agents": None}, {"agents": [1]}, [], {"agents": [{"x": 1}]}])
async def test_a_list_that_cannot_be_read_is_no_error(pool: HttpPool, agents: object) -> None:
    async with serve(FakeGateway(agents=agents).app()) as url:
        directory = AgentDirectory({}, pool=pool, gateway_url=url)
        assert await directory.description("local-guide") is None
