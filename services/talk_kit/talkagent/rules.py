"""The schema's CEL rules (`x-kubernetes-validations`), for where no API server evaluates them.

Each rule of the schema has its twin here under its own text; a test holds the two sets equal. A twin gets the
value that CEL calls `self` and yields what breaks the rule: the path within the value, and a detail.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from talk_kit.names import is_agent_name
from talk_kit.talkagent.durations import seconds
from talk_kit.talkagent.names import INTERNAL_PREFIXES, OBJECT_PREFIX, QUALIFIED, is_qualified
from talk_kit.talkagent.problem import Path

Break = tuple[Path, str]
Twin = Callable[[Any], Iterator[Break]]
_DURATION = re.compile(r"duration\(self\) >= duration\('(\w+)'\) && duration\(self\) <= duration\('(\w+)'\)")
_MATCHES = re.compile(r"!self\.matches\('(.*)'\)")
_OWN_LABELS = ("talk.dwani.ai/", "app.kubernetes.io/")


def twin(rule: str) -> Twin:
    """The rule as a function. Raises KeyError for a rule that has none."""
    if match := _DURATION.fullmatch(rule):
        return _within(seconds(match[1]), seconds(match[2]))
    if match := _MATCHES.fullmatch(rule):
        return _unlike(match[1])
    return _TWINS[rule]


def duration_bounds(rule: str) -> tuple[str, str] | None:
    """The least and the most that a duration's rule allows."""
    match = _DURATION.fullmatch(rule)
    return (match[1], match[2]) if match else None


def _within(least: float, most: float) -> Twin:
    def check(value: str) -> Iterator[Break]:
        if not least <= seconds(value) <= most:
            yield (), ""

    return check


def _unlike(pattern: str) -> Twin:
    def check(value: str) -> Iterator[Break]:
        if re.search(pattern, value):
            yield (), ""

    return check


def _starts(*prefixes: str) -> Twin:
    def check(value: str) -> Iterator[Break]:
        if value.startswith(prefixes):
            yield (), ""

    return check


def _keys_start(*prefixes: str) -> Twin:
    def check(value: dict[str, str]) -> Iterator[Break]:
        for key in value:
            if key.startswith(prefixes):
                yield (key,), ""

    return check


def _key_shapes(value: dict[str, str]) -> Iterator[Break]:
    for key in value:
        if not is_qualified(key):
            yield (key,), ""


def _exactly_one(*names: str) -> Twin:
    def check(value: dict[str, Any]) -> Iterator[Break]:
        found = [name for name in names if name in value]
        if len(found) != 1:
            yield (), f"here: {' and '.join(found) or 'none'}"

    return check


def _at_most_one(*names: str) -> Twin:
    def check(value: dict[str, Any]) -> Iterator[Break]:
        found = [name for name in names if name in value]
        if len(found) > 1:
            yield (found[-1],), f"here: {' and '.join(found)}"

    return check


def _name(value: dict[str, Any]) -> Iterator[Break]:
    if not is_agent_name(value["metadata"]["name"]):
        yield ("metadata", "name"), ""


def _own_tool(value: dict[str, Any]) -> Iterator[Break]:
    for index, tool in enumerate(value["spec"].get("tools", [])):
        if _tool_name(tool) == value["metadata"]["name"]:
            yield ("spec", "tools", index, "agent", "name"), f"{value['metadata']['name']} calls itself"


def _own_account(value: dict[str, Any]) -> Iterator[Break]:
    account, own = value["spec"]["pod"]["serviceAccountName"], f"{OBJECT_PREFIX}{value['metadata']['name']}"
    if account.startswith(OBJECT_PREFIX) and account != own:
        yield ("spec", "pod", "serviceAccountName"), f"its own is {own}"


def _same_tool(value: dict[str, Any]) -> Iterator[Break]:
    seen: dict[str, int] = {}
    for index, tool in enumerate(value.get("tools", [])):
        name = _tool_name(tool)
        if name in seen:
            yield ("tools", index), f"{name} is in tools[{seen[name]}] and in tools[{index}]"
        elif name is not None:
            seen[name] = index


def _tool_name(tool: Any) -> str | None:
    agent = tool.get("agent") if isinstance(tool, dict) else None
    name = agent.get("name") if isinstance(agent, dict) else None
    return name if isinstance(name, str) else None


def _min_max(value: dict[str, Any]) -> Iterator[Break]:
    if value.get("minReplicas", 1) > value["maxReplicas"]:
        yield ("minReplicas",), f"here: {value['minReplicas']} and {value['maxReplicas']}"


def _mounts(value: dict[str, Any]) -> Iterator[Break]:
    volumes = [volume["name"] for volume in value.get("volumes", [])]
    for index, mount in enumerate(value.get("volumeMounts", [])):
        if mount["name"] not in volumes:
            yield ("volumeMounts", index, "name"), f"there is none named {mount['name']}"


def _one_of(*names: str) -> str:
    return " + ".join(f"(has(self.{name}) ? 1 : 0)" for name in names)


_VOLUMES = ("configMap", "secret", "emptyDir", "persistentVolumeClaim")
_SOURCES = ("secretKeyRef", "configMapKeyRef", "fieldRef")
_LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
_TWINS: dict[str, Twin] = {
    f"self.metadata.name.size() <= 40 && self.metadata.name.matches('{_LABEL}')": _name,
    "!has(self.spec.tools) || self.spec.tools.all(t, !has(t.agent) || t.agent.name != self.metadata.name)": (_own_tool),
    "!has(self.spec.pod) || !has(self.spec.pod.serviceAccountName) || !self.spec.pod.serviceAccountName.startsWith('talkagent-') || self.spec.pod.serviceAccountName == 'talkagent-' + self.metadata.name": (  # noqa: E501
        _own_account
    ),
    "has(self.instruction) != has(self.instructionFrom)": _exactly_one("instruction", "instructionFrom"),
    "!(has(self.replicas) && has(self.autoscaling))": _at_most_one("replicas", "autoscaling"),
    "!has(self.tools) || self.tools.all(t, self.tools.exists_one(u, u == t))": _same_tool,
    "!self.startsWith('talk-internal-') && !self.startsWith('talkagent-')": _starts(*INTERNAL_PREFIXES),
    "!self.startsWith('TALK_')": _starts("TALK_"),
    "!self.startsWith('talk-')": _starts("talk-"),
    "!has(self.minReplicas) || self.minReplicas <= self.maxReplicas": _min_max,
    f"{_one_of('cpu', 'memory', 'metrics')} <= 1": _at_most_one("cpu", "memory", "metrics"),
    f"{_one_of(*_SOURCES)} == 1": _exactly_one(*_SOURCES),
    f"{_one_of(*_VOLUMES)} == 1": _exactly_one(*_VOLUMES),
    "!(has(self.value) && has(self.valueFrom))": _at_most_one("value", "valueFrom"),
    "self.all(k, !k.startsWith('talk.dwani.ai/') && !k.startsWith('app.kubernetes.io/'))": _keys_start(*_OWN_LABELS),
    f"self.all(k, k.matches('{QUALIFIED}'))": _key_shapes,
    "self.all(k, !k.startsWith('talk.dwani.ai/'))": _keys_start(_OWN_LABELS[0]),
    "!has(self.volumeMounts) || self.volumeMounts.all(m, has(self.volumes) && self.volumes.exists(v, v.name == m.name))": (  # noqa: E501
        _mounts
    ),
}
KNOWN_RULES = frozenset(_TWINS)
