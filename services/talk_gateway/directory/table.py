"""Agents by name: what both directories share."""

from __future__ import annotations

from talk_gateway.directory.agent import Agent
from talk_kit.errors import UnknownAgent
from talk_kit.names import canonical_agent_name

FALLBACK_DEFAULT = "assistant"
MODE_AGENT_DEFAULT = "travel-planner"


class AgentTable:
    """The agents there are now, and which of them answers where none is named."""

    def __init__(self, default_agent: str = "") -> None:
        self._by_name: dict[str, Agent] = {}
        self._default = canonical_agent_name(default_agent)

    def resolve(self, name: str) -> Agent:
        agent = self._by_name.get(canonical_agent_name(name))
        if agent is None:
            raise UnknownAgent(name[:64], sorted(self._by_name))
        return agent

    def default(self, mode: str) -> Agent:
        if mode == "agent" and MODE_AGENT_DEFAULT in self._by_name:
            return self.resolve(MODE_AGENT_DEFAULT)
        if not self._default and FALLBACK_DEFAULT not in self._by_name and len(self._by_name) == 1:
            return self.resolve(next(iter(self._by_name)))
        return self.resolve(self._default or FALLBACK_DEFAULT)

    def agents(self) -> list[Agent]:
        return [self._by_name[name] for name in sorted(self._by_name)]
