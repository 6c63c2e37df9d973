"""agent.yaml: the part of the spec that the agent itself reads, and the references that are mounted beside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from talk_kit.talkagent.references import KeyRef
from talk_kit.talkagent.schema import API_VERSION, KIND
from talk_operator.config import Object

# The gateway reads `voice` from the TalkAgent itself: a new voice rolls no pod. The rest is Kubernetes' to read.
_READ_BY_THE_AGENT = (
    "description", "instruction", "instructionFrom", "model", "tools", "session", "limits", "drainSeconds",
)  # fmt: skip


# Words that are strings without quotes to readers of YAML 1.1 and 1.2 alike; `no`, `1e3` and `0x1f` are not.
_PLAIN = re.compile(r"(?!(?:y|n|yes|no|on|off|true|false|null)$)[a-z][a-z0-9_/.:-]*[a-z0-9]", re.IGNORECASE)


class _Dumper(yaml.CSafeDumper):
    """Quotes what is no plain word, and keeps lines as lines."""


def _string(dumper: yaml.CSafeDumper, value: str) -> yaml.Node:
    plain = None if _PLAIN.fullmatch(value) else '"'
    style = "|" if "\n" in value.strip("\n") else plain
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _string)


def agent_file(name: str, spec: Mapping[str, Any]) -> str:
    """The text of agent.yaml. The same spec gives the same text."""
    read = {field: spec[field] for field in _READ_BY_THE_AGENT if field in spec}
    document = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}, "spec": read}
    text: str = yaml.dump(document, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=4096)
    return text


def digest(text: str) -> str:
    """What a pod's template carries, so that another configuration is another template."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def references(spec: Mapping[str, Any]) -> list[KeyRef]:
    """The keys that the agent reads as files, each once, sorted: an order of its own would roll pods."""
    return sorted(set(_references(spec)), key=lambda ref: (ref.kind, ref.name, ref.key))


def _references(spec: Mapping[str, Any]) -> Iterator[KeyRef]:
    model: Object = spec.get("model") or {}
    for each in (model, *(model.get("fallbacks") or ())):
        if key := each.get("apiKeySecretRef"):
            yield KeyRef("Secret", key["name"], key["key"])
    if source := (spec.get("instructionFrom") or {}).get("configMapKeyRef"):
        yield KeyRef("ConfigMap", source["name"], source["key"])
