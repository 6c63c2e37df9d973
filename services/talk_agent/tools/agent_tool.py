"""Another TalkAgent as a tool, asked through the gateway."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from google.adk.models.llm_request import LlmRequest
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from google.genai import types
from typing_extensions import override

from talk_agent.names import agent_tool_name
from talk_agent.run_context import RunContext, current_run
from talk_agent.tools.directory import AgentDirectory
from talk_kit import deadline
from talk_kit.errors import (
    DeadlineExceeded,
    InvalidRequest,
    OutOfTime,
    ProviderFailed,
    TalkError,
    Unavailable,
    from_code,
)
from talk_kit.http_client import HttpPool
from talk_kit.names import CALL_DEPTH, called_session, name_for_gateway

# The agents that called, the first one first: `travel-planner,local-guide`.
CALL_PATH_HEADER = "X-Talk-Call-Path"
# Longer than any turn may take: what is left of the caller's own turn is the bound.
IDLE_SECONDS = 3600.0


class AgentTool(BaseTool):
    """Asks `agent` in a session of its own within the caller's, bounded by what is left of the caller's turn.

    Every failure is a TalkError, which `ToolErrors` hands to the model. Calls are at most three deep, and an
    agent that is already in the path of calls is not asked again. `agent` is of the caller's namespace, which is
    `namespace` where the gateway knows both as `name.namespace`.
    """

    def __init__(
        self,
        *,
        caller: str,
        agent: str,
        pool: HttpPool,
        gateway_url: str | None,
        directory: AgentDirectory,
        namespace: str = "",
    ) -> None:
        super().__init__(name=agent_tool_name(agent), description=_generic(agent))
        # Calls stay in one namespace: its name tells no two of them apart.
        self._caller = caller
        self._agent = agent
        self._asked_as = name_for_gateway(agent, namespace)
        self._pool = pool
        self._gateway_url = gateway_url
        self._directory = directory

    @override
    async def process_llm_request(self, *, tool_context: ToolContext, llm_request: LlmRequest) -> None:
        self.description = await self._directory.description(self._asked_as) or _generic(self._agent)
        await super().process_llm_request(tool_context=tool_context, llm_request=llm_request)

    @override
    def _get_declaration(self) -> types.FunctionDeclaration:
        message = types.Schema(type=types.Type.STRING, description="What to ask, with all that is needed to answer.")
        parameters = types.Schema(type=types.Type.OBJECT, properties={"message": message}, required=["message"])
        return types.FunctionDeclaration(name=self.name, description=self.description, parameters=parameters)

    @override
    async def run_async(self, *, args: dict[str, Any], tool_context: ToolContext) -> dict[str, str]:
        run = current_run.get()
        path = next_path(run.call_path, self._caller, self._agent)
        message = args.get("message")
        if not isinstance(message, str) or not message.strip():
            raise InvalidRequest("The tool needs a message, which is a text.")
        try:
            async with deadline.held():
                return {"result": await self._ask(message, run, path)}
        except OutOfTime:
            raise DeadlineExceeded(f"The agent {self._agent!r} did not answer in time.") from None

    async def _ask(self, message: str, run: RunContext, path: tuple[str, ...]) -> str:
        if self._gateway_url is None:
            raise Unavailable(f"The agent {self._agent!r} cannot be asked: TALK_GATEWAY_URL is not set.")
        answer = await self._pool.request(
            "POST",
            f"{self._gateway_url}/v1/agents/{self._asked_as}/chat",
            target=f"The agent {self._agent!r}",
            headers={
                CALL_PATH_HEADER: ",".join(path),
                "Accept": "application/json",
                **run.headers,
                **deadline.outgoing_headers(),
            },
            json={"session_id": called_session(run.session_id, self._caller), "message": message},
            idle=IDLE_SECONDS,
        )
        return self._reply(answer.status_code, answer.content)

    def _reply(self, status: int, body: bytes) -> str:
        try:
            members = orjson.loads(body)
        except orjson.JSONDecodeError:
            members = None
        if not isinstance(members, dict):
            raise ProviderFailed(f"The agent {self._agent!r} sent an answer that cannot be read.")
        if status != 200:
            raise self._error(members)
        return str(members.get("reply", ""))

    def _error(self, problem: Mapping[str, Any]) -> TalkError:
        detail = str(problem.get("detail") or problem.get("title") or "It failed.")
        return from_code(str(problem.get("code", "")), f"The agent {self._agent!r} could not answer: {detail}")


def next_path(path: tuple[str, ...], caller: str, agent: str) -> tuple[str, ...]:
    """The path of calls that `caller`'s call of `agent` has. InvalidRequest on a cycle, or when it is too long."""
    longer = (*path, caller)
    if agent in longer:
        raise InvalidRequest(f"The agent {agent!r} waits for this answer itself: {' asks '.join((*longer, agent))}.")
    if len(longer) > CALL_DEPTH:
        raise InvalidRequest(f"Agents may ask one another {CALL_DEPTH} deep; this call would go deeper.")
    return longer


def _generic(agent: str) -> str:
    return f"Asks the agent {agent!r} and returns its answer."
