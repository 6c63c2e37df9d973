"""What holds between documents: names are unique, tools name agents, and calls do not go round."""

from __future__ import annotations

from collections.abc import Iterator

from talk_kit.talkagent.documents import Document
from talk_kit.talkagent.problem import Problem
from talk_kit.talkagent.schema import KIND


def check_relations(documents: list[Document]) -> list[Problem]:
    """Two agents of one name are an error. A tool without its agent and a cycle are warnings: the agent that is
    missing may be applied later, and a turn that goes round is ended by its bound on depth."""
    agents = [document for document in documents if document.kind == KIND and document.name]
    return [*_twice(agents), *_not_found(agents), *_cycles(agents)]


def _twice(agents: list[Document]) -> Iterator[Problem]:
    seen: dict[tuple[str, str], Document] = {}
    for agent in agents:
        first = seen.setdefault((_namespace(agent), agent.name), agent)
        if first is not agent:
            line = first.values.get(("metadata", "name"), first.values[()]).line
            yield agent.problem(
                ("metadata", "name"), f"there are two agents named {agent.name}; the other is at {first.file}:{line}"
            )


def _namespace(agent: Document) -> str:
    return str(agent.data["metadata"].get("namespace", ""))


def _not_found(agents: list[Document]) -> Iterator[Problem]:
    names = {agent.name for agent in agents}
    for agent in agents:
        for index, name in tools(agent):
            if name not in names:
                path = ("spec", "tools", index, "agent", "name")
                yield agent.problem(
                    path, f"AgentNotFound: no agent named {name} in these files; the tool fails until there is one",
                    "warning",
                )  # fmt: skip


def _cycles(agents: list[Document]) -> Iterator[Problem]:
    """Each cycle once, at the tool that closes it."""
    calls = {agent.name: [name for _, name in tools(agent)] for agent in agents}
    by_name = {agent.name: agent for agent in agents}
    done: set[str] = set()
    for start in calls:
        yield from _walk(start, calls, by_name, done)


def _walk(start: str, calls: dict[str, list[str]], by_name: dict[str, Document], done: set[str]) -> Iterator[Problem]:
    stack = [(start, iter(calls[start]))] if start not in done else []
    while stack:
        name, following = stack[-1]
        target = next(following, None)
        if target is None:
            done.add(name)
            stack.pop()
            continue
        trail = [each for each, _ in stack]
        if target in trail and target != name:
            route = " -> ".join([*trail[trail.index(target) :], target])
            yield by_name[name].problem(
                ("spec", "tools"), f"agents call each other: {route}; a turn goes at most 3 deep", "warning"
            )
        elif target in calls and target not in done and target not in trail:
            stack.append((target, iter(calls[target])))


def tools(agent: Document) -> list[tuple[int, str]]:
    """The names of the agents that an agent calls, with their index; what is malformed is left out."""
    spec = agent.data.get("spec")
    listed = spec.get("tools") if isinstance(spec, dict) else None
    found = []
    for index, tool in enumerate(listed if isinstance(listed, list) else []):
        target = tool.get("agent") if isinstance(tool, dict) else None
        name = target.get("name") if isinstance(target, dict) else None
        if isinstance(name, str):
            found.append((index, name))
    return found
