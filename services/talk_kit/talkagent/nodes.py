"""A YAML document as a tree that knows where each value stands.

Composed from the parser's events rather than by the library's composer, because that one recurses without a bound
and has no opinion on aliases: ten lines of YAML can mean ten billion values.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceStartEvent,
)
from ruamel.yaml.reader import ReaderError

from talk_kit.talkagent.scalars import Scalar, resolve

MAX_DEPTH = 64
MAX_VALUES = 20_000
_TAG = "tag:yaml.org,2002:"
_PLAIN_TAGS = {"str": str, "int": int, "float": float, "bool": bool, "null": type(None)}


class Unreadable(Exception):
    """The text is no YAML that Talk takes; `line` and `column` count from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message)
        self.message, self.line, self.column = message, line, column


@dataclass(slots=True)
class Node:
    """A scalar (`value`, and `text` as it was written), or a mapping or a list (`items`)."""

    line: int
    column: int
    kind: str
    value: Scalar = None
    text: str = ""
    items: list[tuple[Node | None, Node]] = field(default_factory=list)
    size: int = 1


def compose(text: str, first_line: int) -> list[Node | None]:
    """The documents of a text; None for an empty one. `first_line` is the number of the text's first line."""
    composer = _Composer(first_line)
    try:
        return list(composer.documents(YAML(typ="safe", pure=True).parse(text)))
    except MarkedYAMLError as error:
        raise composer.unreadable(error, text) from None
    except ReaderError as error:
        before = text[: error.position].splitlines() or [""]
        what = f"not text: character {error.character:#06x}"
        raise Unreadable(what, first_line + len(before) - 1, len(before[-1]) + 1) from None
    except (ValueError, OverflowError):  # an escape beyond Unicode
        raise Unreadable("not YAML: an escape stands for no character", first_line, 1) from None


class _Composer:
    def __init__(self, first_line: int) -> None:
        self._first_line = first_line
        self._anchors: dict[str, Node] = {}
        self._open: list[tuple[int, int]] = []

    def documents(self, events: Iterator[Any]) -> Iterator[Node | None]:
        for event in events:
            if isinstance(event, DocumentStartEvent):
                self._anchors = {}
                root = self._node(next(events), events, 1)
                yield None if root.kind == "scalar" and root.value is None else root

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        line, column = self._place(event.start_mark)
        if depth > MAX_DEPTH:
            raise Unreadable(f"nested more than {MAX_DEPTH} deep", line, column)
        if isinstance(event, AliasEvent):
            return self._alias(event.anchor, line, column)
        if isinstance(event, ScalarEvent):
            node = self._scalar(event, line, column)
        else:
            node = self._collection(event, events, depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, anchor: str, line: int, column: int) -> Node:
        target = self._anchors.get(anchor)
        if target is None:
            raise Unreadable(f"the alias *{anchor} has no anchor before it", line, column)
        return target

    def _scalar(self, event: Any, line: int, column: int) -> Node:
        tag = str(event.tag or "")
        if event.style is not None or tag == "!" or tag == _TAG + "str":
            value = _whole(event.value, line, column)
            return Node(line, column, "scalar", value, value)
        plain = resolve(event.value)
        wanted = _PLAIN_TAGS.get(tag.removeprefix(_TAG))
        if tag and (wanted is None or not isinstance(plain, wanted)):
            raise Unreadable(f"the tag {tag.replace(_TAG, '!!')} is not allowed here", line, column)
        return Node(line, column, "scalar", plain, event.value)

    def _collection(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        line, column = self._place(event.start_mark)
        mapping = isinstance(event, MappingStartEvent)
        if event.tag and str(event.tag) != _TAG + ("map" if mapping else "seq"):
            raise Unreadable(f"the tag {str(event.tag).replace(_TAG, '!!')} is not allowed here", line, column)
        node = Node(line, column, "mapping" if mapping else "list")
        if event.flow_style:
            self._open.append((line, column))
        flow = event.flow_style
        while isinstance(event := next(events), (AliasEvent, ScalarEvent, MappingStartEvent, SequenceStartEvent)):
            key = self._node(event, events, depth + 1) if mapping else None
            value = self._node(next(events) if mapping else event, events, depth + 1)
            node.items.append((key, value))
            node.size += value.size
            if node.size > MAX_VALUES:
                raise Unreadable(f"more than {MAX_VALUES:,} values, aliases counted", line, column)
        if flow:
            self._open.pop()
        return node

    def _place(self, mark: Any) -> tuple[int, int]:
        return mark.line + self._first_line, mark.column + 1

    def unreadable(self, error: MarkedYAMLError, text: str) -> Unreadable:
        """Tabs first: the parser's own words for them depend on what it was looking for."""
        cut = "end" in str(error.problem) and "stream" in str(error.problem)
        mark = (error.context_mark if cut else None) or error.problem_mark
        line, column = self._place(mark) if mark else (self._first_line, 1)
        if cut and self._open and "flow" in str(error.context):
            return Unreadable("not YAML: what begins here does not end", *self._open[-1])
        for number, content in enumerate(text.splitlines()[: line - self._first_line + 1]):
            indent = content[: len(content) - len(content.lstrip())]
            if "\t" in indent:
                at = indent.index("\t") + 1
                return Unreadable(
                    "a tab in the indentation; YAML allows no tabs, use spaces", number + self._first_line, at
                )
        return Unreadable(_explained(str(error.problem or ""), str(error.context or "")), line, column)


def _whole(text: str, line: int, column: int) -> str:
    """JSON writes a character beyond U+FFFF as two escapes; one alone is no character."""
    if text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text):
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise Unreadable("not text: half of a surrogate pair", line, column) from None


def _explained(problem: str, context: str) -> str:
    """The parser's words, or better ones for what people do most."""
    if "'\\t'" in problem:
        return "a tab; YAML allows no tabs here, use spaces"
    if "end" in problem and "stream" in problem:
        return f"not YAML: what begins here does not end ({context or 'while parsing'})"
    if problem.startswith("mapping values are not allowed"):
        return f"not YAML: {problem}; a text with ': ' in it needs quotes"
    return f"not YAML: {problem or context or 'it cannot be parsed'}"
