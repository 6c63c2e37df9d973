"""ADK's hooks: the literal instruction, tool errors for the model, and what is counted."""

from __future__ import annotations

import asyncio
import time
from contextvars import ContextVar
from typing import Any

from google.adk.agents.callback_context import CallbackContext
from google.adk.models.llm_request import LlmRequest
from google.adk.models.llm_response import LlmResponse
from google.adk.plugins.base_plugin import BasePlugin
from google.adk.tools.base_tool import BaseTool
from google.adk.tools.tool_context import ToolContext
from typing_extensions import override

from talk_agent.metrics import AgentMetrics
from talk_agent.run_context import current_run
from talk_kit.errors import Internal, TalkError
from talk_kit.logs import get_logger

log = get_logger(__name__)

# When the model was asked, until its first response.
_asked: ContextVar[float | None] = ContextVar("talk_llm_asked", default=None)


class LiteralInstruction(BasePlugin):
    """The model is told the instruction as it was written, and nothing else.

    ADK would read `{city}` as a variable and fail the turn, and appends the agent's internal name and its
    description, which models then say aloud.
    """

    def __init__(self) -> None:
        super().__init__("literal_instruction")

    @override
    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        llm_request.config.system_instruction = current_run.get().instruction
        return None


class ToolErrors(BasePlugin):
    """A tool that fails is an answer for the model, never the end of the turn."""

    def __init__(self) -> None:
        super().__init__("tool_errors")

    @override
    async def on_tool_error_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext, error: Exception
    ) -> dict[str, Any] | None:
        if isinstance(error, asyncio.CancelledError) or type(tool) is BaseTool:
            return None  # cancelled; or a name that the model invented, which ADK answers with the known ones
        if isinstance(error, TalkError):
            log.warning("tool_failed", tool=tool.name, code=error.code, reason=error.detail)
            return {"error": error.detail, "code": error.code}
        log.error("tool_broken", tool=tool.name, kind=type(error).__name__)
        return {"error": "The tool failed.", "code": Internal.code}


class Counting(BasePlugin):
    """Calls of the model and of tools, as metrics. A name that a model invents shares one label."""

    def __init__(self, agent: str, metrics: AgentMetrics, tools: frozenset[str], model: str = "") -> None:
        super().__init__("counting")
        self._agent = agent
        self._model = model
        self._metrics = metrics
        self._tools = tools
        self._begun: dict[str, float] = {}

    @override
    async def before_model_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest
    ) -> LlmResponse | None:
        self._metrics.llm_calls.labels(self._agent).inc()
        _asked.set(time.monotonic())
        return None

    @override
    async def after_model_callback(
        self, *, callback_context: CallbackContext, llm_response: LlmResponse
    ) -> LlmResponse | None:
        if (asked := _asked.get()) is not None:
            _asked.set(None)
            self._metrics.llm_first.labels(self._agent).observe(time.monotonic() - asked)
        if not llm_response.partial and self._model and llm_response.model_version not in (None, self._model):
            self._metrics.llm_fallbacks.labels(self._agent).inc()
        return None

    @override
    async def on_model_error_callback(
        self, *, callback_context: CallbackContext, llm_request: LlmRequest, error: Exception
    ) -> LlmResponse | None:
        code = error.code if isinstance(error, TalkError) else Internal.code
        _asked.set(None)
        self._metrics.llm_failed(self._agent, code)
        return None

    @override
    async def before_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext
    ) -> dict[str, Any] | None:
        self._begun[_call(tool_context)] = time.monotonic()
        return None

    @override
    async def after_tool_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext, result: dict[str, Any]
    ) -> dict[str, Any] | None:
        self._ended(tool, tool_context, "error" if "error" in result else "ok")
        return None

    @override
    async def on_tool_error_callback(
        self, *, tool: BaseTool, tool_args: dict[str, Any], tool_context: ToolContext, error: Exception
    ) -> dict[str, Any] | None:
        # An error that `ToolErrors` answers comes by `after_tool_callback` again; unknown names and cancels do not.
        if isinstance(error, asyncio.CancelledError) or tool.name not in self._tools:
            self._ended(tool, tool_context, "error")
        return None

    def _ended(self, tool: BaseTool, tool_context: ToolContext, outcome: str) -> None:
        name = tool.name if tool.name in self._tools else "unknown"
        self._metrics.tools.labels(self._agent, name, outcome).inc()
        begun = self._begun.pop(_call(tool_context), None)
        if begun is not None:
            self._metrics.tool_seconds.labels(self._agent, name).observe(time.monotonic() - begun)


def _call(tool_context: ToolContext) -> str:
    return f"{tool_context.invocation_id}/{tool_context.function_call_id}"
