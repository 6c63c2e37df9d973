"""ADK's runner for one TalkAgent."""

from __future__ import annotations

import importlib.util
import logging
import sys
from collections.abc import Sequence

from google.adk.agents.llm_agent import LlmAgent
from google.adk.apps.app import App
from google.adk.models.base_llm import BaseLlm
from google.adk.runners import Runner
from google.adk.tools.base_tool import BaseTool

from talk_agent.metrics import AgentMetrics
from talk_agent.names import adk_agent_name
from talk_agent.plugins import Counting, LiteralInstruction, ToolErrors
from talk_agent.sessions.staging import StagingSessionService

# ADK's application name; sessions are told apart by Talk's store, not by it.
APP_NAME = "talk"


def quiet_adk() -> None:
    """ADK logs whole stacks of a provider's errors, with the provider's words. Talk logs each failure itself."""
    logging.getLogger("google_adk").setLevel(logging.CRITICAL)


def build_runner(
    *,
    agent: str,
    model: BaseLlm,
    tools: Sequence[BaseTool],
    staging: StagingSessionService,
    metrics: AgentMetrics,
) -> Runner:
    """The runner. `agent` is the resource's name; ADK gets one that it can take."""
    _without_a2a()
    node = LlmAgent(
        name=adk_agent_name(agent),
        model=model,
        tools=list(tools),
        disallow_transfer_to_parent=True,
        disallow_transfer_to_peers=True,
    )
    plugins = [
        LiteralInstruction(),
        Counting(agent, metrics, frozenset(tool.name for tool in tools), model.model),
        ToolErrors(),
    ]
    return Runner(app=App(name=APP_NAME, root_agent=node, plugins=plugins), session_service=staging)


def _without_a2a() -> None:
    """Each turn, ADK imports its A2A agent, which fails for want of the `a2a` package: 1.5 ms of CPU, as Python
    remembers no failed import. None in `sys.modules` is how Python is told that a module is not there.
    """
    if importlib.util.find_spec("a2a") is None:
        sys.modules.setdefault("google.adk.agents.remote_a2a_agent", None)  # type: ignore[arg-type]
