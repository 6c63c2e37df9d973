"""Names for ADK and for models, derived from those of Kubernetes.

ADK wants Python identifiers for agents and refuses `user`; models want 1 to 64 of `[A-Za-z0-9_-]` for tools.
Kubernetes allows `3d-helper`, `user` and `viva-examiner`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

MODEL_NAME_LENGTH = 64
_NOT_ALLOWED = re.compile(r"[^A-Za-z0-9_]+")


class NameClash(ValueError):
    """Two tools would have one name for the model; `sources` are their own names."""

    def __init__(self, name: str, sources: tuple[str, str]) -> None:
        super().__init__(f"The tools {sources[0]!r} and {sources[1]!r} would both be called {name!r} by the model.")
        self.name = name
        self.sources = sources


def adk_agent_name(resource_name: str) -> str:
    """An identifier that ADK takes: `viva_examiner`, `agent_3d_helper`, `agent_user`."""
    cleaned = _cleaned(resource_name)
    return cleaned if cleaned.isidentifier() and cleaned != "user" else f"agent_{cleaned}"


def agent_tool_name(resource_name: str) -> str:
    """What a model calls another agent: `ask_local_guide`."""
    return bounded(f"ask_{_cleaned(resource_name)}")


def bounded(name: str) -> str:
    """The name itself, or its start and a hash of the whole where it is longer than models allow."""
    if len(name) <= MODEL_NAME_LENGTH:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    return f"{name[: MODEL_NAME_LENGTH - 9]}_{digest}"


def tool_names(resource_names: Iterable[str]) -> dict[str, str]:
    """The resource name behind each name that the model sees, in order. Raises NameClash: none wins silently."""
    names: dict[str, str] = {}
    for resource_name in resource_names:
        name = agent_tool_name(resource_name)
        if name in names:
            raise NameClash(name, (names[name], resource_name))
        names[name] = resource_name
    return names


def _cleaned(name: str) -> str:
    return _NOT_ALLOWED.sub("_", name)
