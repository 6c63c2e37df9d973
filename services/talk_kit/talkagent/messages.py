"""The schema's refusals in words. A message says what is allowed, and never repeats a text that may be a secret."""

from __future__ import annotations

import re
from typing import Any

from jsonschema import ValidationError

from talk_kit.talkagent.hints import bad_duration, bad_value
from talk_kit.talkagent.problem import Path, dotted
from talk_kit.talkagent.schema import Schema

_TYPES = {
    "string": "a string",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping of fields",
}


def message_for(error: ValidationError, path: Path, text: str | None) -> str:
    """The message of one of jsonschema's errors; `text` is the scalar as written, when YAML made it no string."""
    node: Schema = error.schema  # type: ignore[assignment]
    value: Any = error.instance
    where = dotted(path) or "the document"
    if error.validator == "required":
        return f"{where} is missing{_what(node['properties'][path[-1]])}"
    said = f"{where} must be {allowed(node)}"
    if error.validator == "type":
        return f"{said}; {_wrong_type(node, value, text)}"
    if error.validator in ("minLength", "maxLength"):
        return f"{said}; {_length(node)}, not {len(value):,}"
    if error.validator in ("minItems", "maxItems", "maxProperties"):
        return f"{said}; it has {len(value)} entries"
    if error.validator in ("minimum", "maximum"):
        return f"{said}, not {value}"
    hint = bad_duration(value) if _is_duration(node) else ""
    hint = hint or (bad_value(path, value) if isinstance(value, str) else "")
    return f"{said}; {hint}" if hint else said


def allowed(node: Schema) -> str:
    """What a field takes, with its range."""
    if "enum" in node:
        values = [value or "''" for value in node["enum"]]
        return f"one of {', '.join(values)}" if len(values) > 1 else str(values[0])
    if node.get("type") in ("integer", "number"):
        kind = "a whole number" if node["type"] == "integer" else "a number"
        return f"{kind} from {node['minimum']} to {node['maximum']}"
    kinds = node.get("type")
    what = str(node.get("title") or _TYPES[kinds if isinstance(kinds, str) else "string"])
    return what + _bounds(node)


def _bounds(node: Schema) -> str:
    if "maxItems" in node:
        return f" ({node.get('minItems', 0)} to {node['maxItems']} entries)"
    return f" (at most {node['maxProperties']} entries)" if "maxProperties" in node else ""


def _length(node: Schema) -> str:
    return f"allowed are {node.get('minLength', 0)} to {node['maxLength']:,} characters"


def _what(node: Schema) -> str:
    return f": {allowed(node)}"


def _is_duration(node: Schema) -> bool:
    return "(ms|s|m|h)" in str(node.get("pattern", ""))


def _wrong_type(node: Schema, value: Any, text: str | None) -> str:
    if _wants_text(node) and text is not None and not isinstance(value, (dict, list)):
        if _is_duration(node) and not isinstance(value, bool):
            return bad_duration(text) or f"it is {_described(value)}"
        return f"it is {_described(value)} in YAML; quote it as '{text}'"
    if isinstance(value, str) and node.get("type") in ("integer", "number"):
        if re.fullmatch(r"-?[0-9]+([.][0-9]+)?", value):
            return "it is a string; leave out the quotes"
        if node["type"] == "integer" and re.fullmatch(r"[0-9]+ *(ms|s|m|h)", value):
            return "it is a duration; write the number alone"
    if isinstance(value, str) and node.get("type") == "boolean" and value.lower() in ("yes", "no", "true", "false"):
        return "it is a string; leave out the quotes"
    return f"it is {_described(value)}"


def _wants_text(node: Schema) -> bool:
    kinds = node.get("type")
    return kinds == "string" or isinstance(kinds, list)


def _described(value: Any) -> str:
    if isinstance(value, bool):
        return f"the boolean {str(value).lower()}"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if value is None:
        return "empty (null)"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "a mapping"
