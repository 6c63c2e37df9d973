"""Files to agents in one step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from talk_kit.talkagent.documents import Document
from talk_kit.talkagent.load import load_documents
from talk_kit.talkagent.problem import InvalidFiles, Problem, errors
from talk_kit.talkagent.references import References
from talk_kit.talkagent.schema import KIND
from talk_kit.talkagent.spec import AgentDefaults, TalkAgent, talk_agent


@dataclass(frozen=True)
class Agents:
    """The agents of some files by name, what they refer to, and what is worth a warning."""

    by_name: Mapping[str, TalkAgent]
    references: References
    problems: tuple[Problem, ...]
    documents: tuple[Document, ...]


def check(*sources: str | Path) -> tuple[list[Document], list[Problem]]:
    """The documents and everything that is wrong with them, sorted by place. No agent at all is an error."""
    from talk_kit.talkagent.validate import validate

    loaded = load_documents(*sources)
    problems = {*loaded.problems, *validate(loaded.documents)}
    if not errors(problems) and not any(document.kind == KIND for document in loaded.documents):
        named = ", ".join(loaded.files) or "no file"
        problems.add(Problem(named, 1, 1, 0, "", "", f"there is no {KIND} in it"))
    return loaded.documents, sorted(problems)


def read_agents(
    sources: Iterable[str | Path],
    defaults: AgentDefaults | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> Agents:
    """The agents of files and folders. Raises `InvalidFiles` with every error, also when there is no agent at all."""
    documents, problems = check(*sources)
    if errors(problems):
        raise InvalidFiles(problems)
    found = [document for document in documents if document.kind == KIND]
    _one_namespace(found)
    agents = {document.name: talk_agent(document.data, defaults or AgentDefaults()) for document in found}
    return Agents(agents, References(documents, environ, folder), tuple(problems), tuple(documents))


def _one_namespace(found: list[Document]) -> None:
    seen: dict[str, Document] = {}
    for document in found:
        if seen.setdefault(document.name, document) is not document:
            message = f"there are two agents named {document.name}, in two namespaces; here is only one"
            raise InvalidFiles([document.problem(("metadata", "namespace"), message)])


def read_agent(
    source: str | Path,
    name: str,
    defaults: AgentDefaults | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> tuple[TalkAgent, References]:
    """One agent of a file. An empty name takes the only one. Raises `InvalidFiles`."""
    agents = read_agents([source], defaults, environ, folder)
    if not name and len(agents.by_name) == 1:
        return next(iter(agents.by_name.values())), agents.references
    if name not in agents.by_name:
        known = ", ".join(agents.by_name)
        raise InvalidFiles([Problem(str(source), 1, 1, 0, "", "", f"no agent named {name!r}; there are: {known}")])
    return agents.by_name[name], agents.references
