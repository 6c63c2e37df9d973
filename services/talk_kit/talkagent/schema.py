"""The one schema of a TalkAgent: hand-written, in the structural subset of OpenAPI that a CRD takes.

Unknown fields are not named in it (structural schemas cannot); `strict` adds what the API server's own field
validation does. Defaults are in the descriptions only, since they come from `agentDefaults`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

Schema = dict[str, Any]
API_VERSION = "talk.dwani.ai/v1alpha1"
KIND = "TalkAgent"
PRESERVE = "x-kubernetes-preserve-unknown-fields"


@cache
def schema() -> Schema:
    """The schema as it is written. Not to be changed by its readers."""
    loaded: Schema = json.loads(files("talk_kit.talkagent").joinpath("schema.json").read_bytes())
    return loaded


@cache
def strict() -> Schema:
    """The schema for a JSON Schema validator: unknown fields refused, int-or-string spelled as types."""
    return _strict(schema())


def _strict(node: Schema) -> Schema:
    made = {key: value for key, value in node.items() if not key.startswith("x-")}
    if node.get("x-kubernetes-int-or-string"):
        made["type"] = ["integer", "string"]
    if "properties" in node:
        made["properties"] = {name: _strict(child) for name, child in node["properties"].items()}
        if PRESERVE not in node:
            made["additionalProperties"] = False
    if "items" in node:
        made["items"] = _strict(node["items"])
    if isinstance(node.get("additionalProperties"), dict):
        made["additionalProperties"] = _strict(node["additionalProperties"])
    return made


@cache
def places() -> dict[str, list[str]]:
    """Where each field's name is known: `language` is at `spec.voice.language`."""
    found: dict[str, list[str]] = {}
    for path in _paths(schema()["properties"]["spec"], "spec"):
        found.setdefault(path.rsplit(".", 1)[-1], []).append(path)
    return found


def _paths(node: Schema, path: str) -> Iterator[str]:
    for name, child in node.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from _paths(child, f"{path}.{name}")
