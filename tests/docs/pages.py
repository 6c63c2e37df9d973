"""The pages for people, taken apart: files that they tell to save, YAML, commands, links."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(r"`([\w./-]+)`:\s*\Z")
_ASSIGNMENT = re.compile(r"[A-Z][A-Z0-9_]*=")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text and the file that the sentence before tells to save it as."""

    language: str
    text: str
    file: str
    line: int


@dataclass(frozen=True)
class Command:
    """One line of a block of commands: `env` stands before it."""

    words: tuple[str, ...]
    env: dict[str, str] = field(hash=False)
    where: str

    def options(self, *names: str) -> list[str]:
        """The values of an option under any of its names, `--name value` and `--name=value`."""
        found = [after for word, after in zip(self.words, self.words[1:], strict=False) if word in names]
        return found + [w.split("=", 1)[1] for w in self.words if w.split("=", 1)[0] in names and "=" in w]


@dataclass(frozen=True)
class Page:
    """A page and its blocks."""

    path: Path
    text: str
    blocks: tuple[Block, ...]

    @property
    def name(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def files(self) -> dict[str, str]:
        """What the page tells to save, by name."""
        return {block.file: block.text for block in self.blocks if block.file}

    def commands(self) -> Iterator[Command]:
        """Every command of the blocks without a language."""
        for block in self.blocks:
            if block.language in ("", "sh"):
                for number, line in enumerate(block.text.replace("\\\n", " ").splitlines()):
                    words = shlex.split(line, comments=True)
                    if words and block.text.isascii():
                        yield _command(words, f"{self.name}:{block.line + number}")

    def documents(self) -> Iterator[tuple[Block, dict[str, Any]]]:
        """Every YAML document."""
        for block in self.blocks:
            if block.language == "yaml":
                yield from ((block, each) for each in yaml.safe_load_all(block.text))


def _command(words: list[str], where: str) -> Command:
    count = next((i for i, word in enumerate(words) if not _ASSIGNMENT.match(word)), len(words))
    env = dict(word.split("=", 1) for word in words[:count])
    return Command(tuple(words[count:]), env, where)


@cache
def pages() -> tuple[Page, ...]:
    """The README, the tutorial and the how-tos."""
    found = [
        ROOT / "README.md",
        *sorted((ROOT / "docs/tutorial").glob("*.md")),
        *sorted((ROOT / "docs/how-to").glob("*.md")),
    ]
    return tuple(page(path) for path in found)


def page(path: Path) -> Page:
    """One page."""
    text = path.read_text()
    blocks = []
    for match in _FENCE.finditer(text):
        named = _NAMED.search(text[: match.start()])
        line = text.count("\n", 0, match.start()) + 2
        blocks.append(Block(match[1], match[2], named[1] if named else "", line))
    return Page(path, text, tuple(blocks))


def all_files() -> dict[str, str]:
    """What any page tells to save. A file has one content, on whatever page it is."""
    return {name: text for each in pages() for name, text in each.files.items()}


def all_commands() -> list[Command]:
    """Every command of every page."""
    return [command for each in pages() for command in each.commands()]
