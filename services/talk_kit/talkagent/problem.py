"""What is wrong with a file, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeVar

Severity = Literal["error", "warning", "notice"]
Path = tuple[str | int, ...]
Part = TypeVar("Part", str, int, str | int)
LONGEST_SHOWN = 64


@dataclass(frozen=True, order=True)
class Problem:
    """One finding. Lines and columns count from 1; `document` too, empty ones left out; 0 is the whole file.

    An error keeps the agent from starting. A warning does not: something will be missing when it runs.
    """

    file: str
    line: int
    column: int
    document: int
    name: str
    path: str
    message: str
    severity: Severity = "error"

    def __str__(self) -> str:
        document = f" document {self.document}" if self.document else ""
        name = f" ({self.name})" if self.name else ""
        severity = "" if self.severity == "error" else f"{self.severity}: "
        return f"{self.file}:{self.line}:{self.column}:{document}{name}: {severity}{self.message}"


class InvalidFiles(Exception):
    """The files hold errors; all of them are in `problems`, warnings and notices too."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(str(problem) for problem in errors(self.problems)))


def errors(problems: Iterable[Problem]) -> list[Problem]:
    """Those that keep an agent from starting."""
    return [problem for problem in problems if problem.severity == "error"]


def shortened(part: Part) -> Part:
    """A key or a name for people: whoever writes a megabyte of it need not read it again."""
    return part if isinstance(part, int) or len(part) <= LONGEST_SHOWN else part[: LONGEST_SHOWN - 3] + "..."


def dotted(path: Path) -> str:
    """`spec.tools[0].agent`; keys with dots or slashes in brackets."""
    text = ""
    for part in map(shortened, path):
        if isinstance(part, int):
            text += f"[{part}]"
        elif "." in part or "/" in part or not part:
            text += f"[{part!r}]"
        else:
            text += f".{part}" if text else part
    return text
