"""What an agent is made from. Reads no module of ADK, so that a file that is wrong is told at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from talk_agent.garbage import settle
from talk_agent.names import NameClash, tool_names
from talk_agent.settings import Settings
from talk_kit.names import canonical_agent_name
from talk_kit.settings import SettingsError
from talk_kit.talkagent import InvalidFiles, References, TalkAgent, read_agents

if TYPE_CHECKING:
    from talk_agent.sessions.port import SessionStore
    from talk_kit.http_client import HttpPool


@dataclass(frozen=True)
class Dependencies:
    """What a service is made from. `descriptions` are those of the agents in the same file, by name; `settle` is
    called once when all is warm.
    """

    agent: TalkAgent
    references: References
    descriptions: Mapping[str, str] = field(default_factory=dict)
    pool: HttpPool | None = None
    store: SessionStore | None = None
    settle: Callable[[], None] = settle


def read_dependencies(settings: Settings, environ: Mapping[str, str]) -> Dependencies:
    """The TalkAgent that the settings name. SettingsError lists what is wrong with its file."""
    file = Path(settings.agent_file)
    try:
        agents = read_agents([file], settings.defaults(), environ, file.parent)
    except InvalidFiles as invalid:
        raise SettingsError([str(problem) for problem in invalid.problems]) from None
    names = list(agents.by_name)
    name = canonical_agent_name(settings.agent_name) or (names[0] if len(names) == 1 else "")
    if name not in agents.by_name:
        raise SettingsError([f"TALK_AGENT_NAME is {name!r}; {file} has: {', '.join(names)}"])
    agent = agents.by_name[name]
    if agent.spec.model is None:
        raise SettingsError([f"{name}: spec.model is left out, and TALK_MODEL is not set"])
    try:
        tool_names(tool.agent for tool in agent.spec.tools)
    except NameClash as clash:
        raise SettingsError([f"{name}: spec.tools: {clash}"]) from None
    settings.redis()  # refused here, where it can be told
    descriptions = {other.name: other.spec.description for other in agents.by_name.values()}
    return Dependencies(agent, agents.references, descriptions)
