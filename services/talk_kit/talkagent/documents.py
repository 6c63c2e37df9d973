"""Kubernetes documents of a file: plain data, and the place of each value."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from talk_kit.talkagent.nodes import Node, Unreadable
from talk_kit.talkagent.problem import Path, Problem, Severity, dotted, shortened

T = TypeVar("T")


class Place(NamedTuple):
    """A line and a column, from 1."""

    line: int
    column: int


@dataclass(frozen=True, eq=False, repr=False)
class Document:
    """One document. `data` is what kubectl would send; `nulls` are the members it would drop.

    `repr` shows no data: a document may be a Secret.
    """

    file: str
    number: int
    data: Any
    keys: dict[Path, Place] = field(default_factory=dict)
    values: dict[Path, Place] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    nulls: tuple[Path, ...] = ()

    def __repr__(self) -> str:
        return f"Document({self.file!r}, {self.number}, {self.kind} {self.name})"

    def members(self) -> list[Document]:
        """The items of a `List`, as `kubectl get -o yaml` writes it; otherwise the document itself."""
        items = self.data.get("items") if isinstance(self.data, dict) else None
        if self.kind != "List" or self.api_version != "v1" or not isinstance(items, list):
            return [self]
        return [self._member(("items", index), item, index) for index, item in enumerate(items)]

    def _member(self, root: Path, data: Any, index: int) -> Document:
        def within(found: Mapping[Path, T]) -> dict[Path, T]:
            return {path[2:]: value for path, value in found.items() if path[:2] == root}

        nulls = tuple(path[2:] for path in self.nulls if path[:2] == root)
        places = within(self.keys), within(self.values), within(self.texts)
        return Document(self.file, self.number + index, data, *places, nulls)

    @property
    def kind(self) -> str:
        return self._text("kind")

    @property
    def api_version(self) -> str:
        return self._text("apiVersion")

    @property
    def name(self) -> str:
        """The name in the metadata, or an empty string."""
        metadata = self.data.get("metadata") if isinstance(self.data, dict) else None
        name = metadata.get("name") if isinstance(metadata, dict) else None
        return name if isinstance(name, str) else ""

    def _text(self, key: str) -> str:
        value = self.data.get(key) if isinstance(self.data, dict) else None
        return value if isinstance(value, str) else ""

    def problem(self, path: Path, message: str, severity: Severity = "error", *, key: bool = False) -> Problem:
        """A finding at a path, or at its nearest parent that is in the file; `key` points at the key."""
        place = self._place(path, key)
        shown = shortened(self.name)
        return Problem(self.file, *place, self.number, shown, dotted(path), message, severity)

    def _place(self, path: Path, key: bool) -> Place:
        if key and path in self.keys:
            return self.keys[path]
        while path not in self.values and path:
            path = path[:-1]
        return self.values[path]


def build(root: Node, file: str, number: int) -> tuple[Document, list[Problem]]:
    """The document of a tree, and what its keys do wrong (twice the same, or no string)."""
    builder = _Builder()
    data = builder.value(root, ())
    document = Document(file, number, data, builder.keys, builder.values, builder.texts, tuple(builder.nulls))
    return document, [document.problem(path, message, key=True) for path, message in builder.problems]


class _Builder:
    def __init__(self) -> None:
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.texts: dict[Path, str] = {}
        self.nulls: dict[Path, None] = {}
        self.problems: list[tuple[Path, str]] = []

    def value(self, node: Node, path: Path) -> Any:
        self.values[path] = Place(node.line, node.column)
        if node.kind == "mapping":
            return self._mapping(node, path)
        if node.kind == "list":
            return [self.value(item, (*path, index)) for index, (_, item) in enumerate(node.items)]
        if not isinstance(node.value, str):
            self.texts[path] = node.text
        if isinstance(node.value, float) and not math.isfinite(node.value):
            self.problems.append((path, f"{dotted(path)}: JSON has no number {node.text}"))
        return node.value

    def _mapping(self, node: Node, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key, item in _merged(node):
            name = _key(key)
            at = (*path, name)
            if name in data or at in self.nulls:
                self.problems.append((at, f"the key {dotted(at)} is there twice"))
            self.keys[at] = Place(key.line, key.column)
            value = self.value(item, at)
            if value is None:
                self.nulls[at] = None
            else:
                data[name] = value
        return data


def _key(node: Node) -> str:
    if node.kind != "scalar" or node.value is None:
        raise Unreadable("a key must be a string", node.line, node.column)
    return node.value if isinstance(node.value, str) else json.dumps(node.value)


def _merged(node: Node) -> list[tuple[Node, Node]]:
    """The members, with those that `<<` brings where the mapping does not say them itself."""
    own = [(key, item) for key, item in node.items if key is not None and not _is_merge(key)]
    names = {_key(key) for key, _ in own}
    for key, item in node.items:
        if key is not None and _is_merge(key):
            for source in [part for _, part in item.items] if item.kind == "list" else [item]:
                own += _merge_source(source, key, names)
    return own


def _merge_source(source: Node, key: Node, names: set[str]) -> list[tuple[Node, Node]]:
    if source.kind != "mapping":
        raise Unreadable("<< takes a mapping, or a list of mappings", key.line, key.column)
    found = [(each, item) for each, item in _merged(source) if _key(each) not in names]
    names.update(_key(each) for each, _ in found)
    return found


def _is_merge(key: Node) -> bool:
    return key.kind == "scalar" and key.value == "<<"
