"""The schema can become a CRD's, bounds everything, and says the defaults that hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import fields

import pytest

from talk_kit.talkagent import AgentDefaults
from talk_kit.talkagent.durations import seconds
from talk_kit.talkagent.rules import KNOWN_RULES, duration_bounds, twin
from talk_kit.talkagent.schema import Schema, schema

STRUCTURAL = {
    "type", "title", "description", "properties", "required", "items", "additionalProperties", "enum", "pattern",
    "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "maxProperties",
    "x-kubernetes-validations", "x-kubernetes-int-or-string", "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-list-type", "x-kubernetes-list-map-keys",
}  # fmt: skip


def nodes(node: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from nodes(child, f"{path}.{name}" if path else name)
    if "items" in node:
        yield from nodes(node["items"], f"{path}[]")
    if isinstance(node.get("additionalProperties"), dict):
        yield from nodes(node["additionalProperties"], f"{path}.*")


ALL = dict(nodes(schema()))
RULES = [(path, rule) for path, node in ALL.items() for rule in node.get("x-kubernetes-validations", [])]


@pytest.mark.parametrize("path", ALL)
def test_each_node_is_structural_and_described(path: str) -> None:
    node = ALL[path]
    assert set(node) <= STRUCTURAL
    assert node["description"].endswith(".")
    assert "type" in node or node.get("x-kubernetes-int-or-string") is True
    assert set(node.get("required", [])) <= set(node.get("properties", {}))


@pytest.mark.parametrize("path", [path for path in ALL if path.startswith("spec")])
def test_each_field_is_bounded(path: str) -> None:
    node = ALL[path]
    kind = node.get("type", "string")
    if kind == "string":
        assert "enum" in node or "maxLength" in node
    if kind == "array":
        assert "maxItems" in node
    if kind in ("integer", "number"):
        assert node["minimum"] < node["maximum"]
    if kind == "object":
        assert "properties" in node or "maxProperties" in node or "x-kubernetes-preserve-unknown-fields" in node


@pytest.mark.parametrize("path", [path for path, node in ALL.items() if "pattern" in node])
def test_patterns_read_alike_in_go_and_in_python(path: str) -> None:
    pattern = ALL[path]["pattern"]
    re.compile(pattern)
    assert not re.search(r"\\[dwb]|\(\?", pattern)
    assert "$" not in pattern[:-1]
    assert ALL[path].get("title")


@pytest.mark.parametrize(("path", "rule"), RULES)
def test_each_rule_has_a_twin_and_a_message(path: str, rule: Schema) -> None:
    assert callable(twin(rule["rule"]))
    assert rule["message"]


def test_no_twin_without_a_rule() -> None:
    assert {rule["rule"] for _, rule in RULES} >= KNOWN_RULES


def test_each_duration_has_bounds_that_its_title_names() -> None:
    durations = [path for path, node in ALL.items() if "(ms|s|m|h)" in node.get("pattern", "")]
    assert len(durations) == 4
    for path in durations:
        (rule,) = ALL[path]["x-kubernetes-validations"]
        bounds = duration_bounds(rule["rule"])
        assert bounds is not None
        assert f"from {bounds[0]} to {bounds[1]}" in ALL[path]["title"]


def test_it_leaves_room_in_a_crd_of_64_kilobytes() -> None:
    assert len(json.dumps(schema(), indent=1)) < 56 * 1024


DEFAULTS = {
    "spec.model.timeout": "model_timeout",
    "spec.model.fallbacks[].timeout": "model_timeout",
    "spec.voice.enabled": "voice_enabled",
    "spec.voice.transcription.provider": "speech_provider",
    "spec.voice.speech.provider": "speech_provider",
    "spec.session.ttl": "session_ttl",
    "spec.session.recentTurns": "recent_turns",
    "spec.session.required": "session_required",
    "spec.limits.runTimeout": "run_timeout",
    "spec.limits.messageLength": "message_length",
    "spec.limits.llmCalls": "llm_calls",
    "spec.limits.concurrentTurns": "concurrent_turns",
    "spec.replicas": "replicas",
    "spec.drainSeconds": "drain_seconds",
}


@pytest.mark.parametrize(("path", "name"), DEFAULTS.items())
def test_a_default_that_is_described_is_the_one_that_holds(path: str, name: str) -> None:
    match = re.search(r"Default: `(.+?)`", ALL[path]["description"])
    assert match is not None
    value = getattr(AgentDefaults(), name)
    assert (seconds(match[1]) if isinstance(value, float) else match[1]) == (
        value if isinstance(value, float) else str(value).lower()
    )


def test_each_default_is_described() -> None:
    elsewhere = {"model", "base_url", "api_key", "language", "requests_per_minute"}
    assert {field.name for field in fields(AgentDefaults)} - elsewhere == set(DEFAULTS.values())
