"""The directory as one caller may see it."""

from __future__ import annotations

from talk_gateway.auth.caller import Caller
from talk_gateway.directory import Agent, Agents
from talk_kit.errors import UnknownAgent


class VisibleAgents:
    """The agents that a caller may speak to. Another one is Forbidden; names of others are told to nobody."""

    def __init__(self, agents: Agents, caller: Caller) -> None:
        self._agents = agents
        self._caller = caller

    def resolve(self, name: str) -> Agent:
        try:
            agent = self._agents.resolve(name)
        except UnknownAgent as error:
            known: list[str] = error.extra["known"]
            raise UnknownAgent(name[:64], [each for each in known if self._caller.may_use(each)]) from None
        self._caller.require(agent.name)
        return agent

    def default(self, mode: str) -> Agent:
        agent = self._agents.default(mode)
        self._caller.require(agent.name)
        return agent

    def agents(self) -> list[Agent]:
        return [agent for agent in self._agents.agents() if self._caller.may_use(agent.name)]
