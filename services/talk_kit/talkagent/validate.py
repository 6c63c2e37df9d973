"""TalkAgent documents against the schema and its rules: every finding in one answer, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain, islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from talk_kit.talkagent.documents import Document
from talk_kit.talkagent.hints import LATER_TOOLS, bad_name, unknown_field
from talk_kit.talkagent.kubernetes import check_metadata, check_other, check_type_meta
from talk_kit.talkagent.messages import message_for
from talk_kit.talkagent.problem import Path, Problem, dotted
from talk_kit.talkagent.references import missing_references
from talk_kit.talkagent.relations import check_relations
from talk_kit.talkagent.rules import twin
from talk_kit.talkagent.scalars import resolve
from talk_kit.talkagent.schema import API_VERSION, KIND, Schema, places, schema, strict

MOST_FINDINGS = 100
_TYPES = {"object": dict, "array": list, "string": str}
_OCTAL = re.compile(r"[-+]?0[0-7]+")


def validate(documents: list[Document]) -> list[Problem]:
    """What is wrong with the documents, each and together; in the order of the files."""
    found = [problem for document in documents for problem in check_document(document)]
    found += check_relations(documents)
    found += missing_references(documents)
    return sorted(set(found))


def check_document(document: Document) -> list[Problem]:
    """What is wrong with one document by itself."""
    problems = check_type_meta(document)
    if problems or document.kind != KIND:
        return problems or check_other(document)
    root = {key: value for key, value in document.data.items() if key != "status"}
    errors = (_problem(document, error) for error in _validator().iter_errors(root) if not _meant_later(error))
    found = chain(check_metadata(document), errors, _rules(document, schema(), root, ()), _doubtful(document))
    return list(islice(found, MOST_FINDINGS))


@cache
def _validator() -> Validator:
    keywords = {"additionalProperties": _additional, "pattern": _pattern}
    cls: type[Validator] = extend(Draft202012Validator, keywords)  # type: ignore[no-untyped-call]
    return cls(strict())


def _additional(validator: Any, allowed: Any, value: Any, node: Schema) -> Iterator[ValidationError]:
    """One error for each unknown field, at the field."""
    if not validator.is_type(value, "object"):
        return
    for name in value:
        if name in node.get("properties", {}):
            continue
        if allowed is False:
            yield ValidationError("unknown", validator="unknown", path=[name])
        else:
            yield from validator.descend(value[name], allowed, path=name)


def _pattern(validator: Any, pattern: str, value: Any, _: Schema) -> Iterator[ValidationError]:
    """Go's `$` is the end of the text; Python's also stands before a last line feed."""
    if validator.is_type(value, "string") and value and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError("pattern")


def _problem(document: Document, error: ValidationError) -> Problem:
    path: Path = tuple(error.absolute_path)
    if error.validator == "unknown":
        hint = unknown_field(path, error.schema.get("properties", {}), places())  # type: ignore[union-attr]
        return document.problem(path, f"unknown field {dotted(path)}; {hint}", key=True)
    if error.validator == "required":
        path = (*path, _missing(error))
    return document.problem(path, message_for(error, path, document.texts.get(path)))


def _meant_later(error: ValidationError) -> bool:
    """Whether `agent` is missed in a tool of a kind that is refused already."""
    return error.validator == "required" and any(kind in error.instance for kind in LATER_TOOLS)  # type: ignore[operator]


def _missing(error: ValidationError) -> str:
    """The field that is not there; jsonschema names it in its words only."""
    names: list[str] = error.validator_value  # type: ignore[assignment]
    return next(name for name in names if error.message.startswith(repr(name)))


def _rules(document: Document, node: Schema, value: Any, path: Path) -> Iterator[Problem]:
    """What breaks a rule. A value of another type than the rule expects is reported by the schema already."""
    if not isinstance(value, _TYPES.get(node.get("type", ""), object)):
        return
    for rule in node.get("x-kubernetes-validations", []):
        yield from _rule(document, node, rule, value, path)
    if isinstance(value, dict):
        extra = node.get("additionalProperties", {})
        for name, child in value.items():
            yield from _rules(document, node.get("properties", {}).get(name, extra), child, (*path, name))
    if isinstance(value, list):
        yield from _unique(document, node, value, path)
        for index, child in enumerate(value):
            yield from _rules(document, node.get("items", {}), child, (*path, index))


def _rule(document: Document, node: Schema, rule: Schema, value: Any, path: Path) -> Iterator[Problem]:
    try:
        broken = list(twin(rule["rule"])(value))
    except (TypeError, KeyError, ValueError, AttributeError):
        return
    for at, detail in broken:
        if detail == "here: none" and set(value) - set(node["properties"]):
            continue  # the unknown field is the one that was meant
        where = (*path, *at)
        message = rule["message"]
        if where == ("metadata", "name"):
            hint, message = bad_name(document.name), message.removeprefix("metadata.name ")
        else:
            hint = detail
        if "duration" in rule["rule"]:
            message = f"must be {node['title']}"
        separator = " " if message.startswith("must ") else ": "
        yield document.problem(where, f"{dotted(where)}{separator}{message}" + (f"; {hint}" if hint else ""))


def _unique(document: Document, node: Schema, value: list[Any], path: Path) -> Iterator[Problem]:
    for key in node.get("x-kubernetes-list-map-keys", []):
        seen: dict[Any, int] = {}
        for index, item in enumerate(value):
            name = item.get(key) if isinstance(item, dict) else None
            if isinstance(name, str) and seen.setdefault(name, index) != index:
                where = (*path, index, key)
                yield document.problem(where, f"{dotted(where)}: {name} is there twice, as in [{seen[name]}]")


def _doubtful(document: Document) -> Iterator[Problem]:
    """What is legal and most likely not meant."""
    for path, text in document.texts.items():
        if _OCTAL.fullmatch(text) and path[-1] not in ("defaultMode", "mode"):
            yield document.problem(path, f"{dotted(path)}: {text} is octal in YAML, {resolve(text)}", "warning")
    for path in document.nulls:
        if path[0] == "spec" and len(path) > 1:
            yield document.problem(path, f"{dotted(path)} is empty and counts as left out", "warning", key=True)


__all__ = ["API_VERSION", "check_document", "validate"]
