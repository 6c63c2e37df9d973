"""The CRD and the schema that `talk validate` uses are one: both are written by hand, neither may drift."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from talk_kit.talkagent.schema import schema

CRD_FILE = Path(__file__).resolve().parents[3] / "operator" / "crds" / "talkagents.yaml"
CRD = yaml.safe_load(CRD_FILE.read_text("utf-8"))
VERSION = CRD["spec"]["versions"][0]
ROOT = VERSION["schema"]["openAPIV3Schema"]
# `title` words the messages of `talk validate`; Kubernetes shows it nowhere.
ONLY_IN_THE_SCHEMA = {"title"}


def flat(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """Each keyword of each field, under its path."""
    for keyword, value in node.items():
        if keyword in ("properties", "items") or (keyword == "additionalProperties" and isinstance(value, dict)):
            children = value if keyword == "properties" else {keyword: value}
            yield f"{path}/{keyword}", sorted(children)
            for name, child in children.items():
                yield from flat(child, f"{path}.{name}")
        elif keyword not in ONLY_IN_THE_SCHEMA:
            yield f"{path}/{keyword}", value


def test_every_field_of_the_crd_is_the_schemas() -> None:
    wanted = dict(flat(schema()))
    del wanted[".metadata/description"]  # a CRD may say nothing of metadata
    in_cluster = dict(flat({**ROOT, "properties": {k: v for k, v in ROOT["properties"].items() if k != "status"}}))
    assert in_cluster == wanted


def test_every_field_of_the_status_is_described_and_bounded() -> None:
    for path, value in flat(ROOT["properties"]["status"]):
        if path.endswith("/type"):
            assert dict(flat(ROOT["properties"]["status"]))[path.removesuffix("/type") + "/description"]
        assert value is not None


def test_nothing_has_a_default_in_the_schema_for_defaults_are_the_charts() -> None:
    assert not [path for path, _ in flat(ROOT) if path.endswith("/default")]


def test_plain_kubectl_apply_can_keep_it_in_an_annotation() -> None:
    assert CRD_FILE.stat().st_size < 64 * 1024


def test_its_names_columns_and_subresources() -> None:
    names = CRD["spec"]["names"]
    assert CRD["metadata"]["name"] == "talkagents.talk.dwani.ai"
    assert (names["shortNames"], names["categories"], CRD["spec"]["scope"]) == (["ta"], ["talk"], "Namespaced")
    shown = [c["name"] for c in VERSION["additionalPrinterColumns"] if not c.get("priority")]
    assert shown == ["Ready", "Replicas", "Model", "URL", "Age"]
    assert VERSION["subresources"]["status"] == {}
    assert VERSION["subresources"]["scale"]["labelSelectorPath"] == ".status.selector"
