"""Metrics: all are declared in their room's one module, moved somewhere, named by the rules, and on the reference."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import metrics_reference
from scripts.metrics_inventory import ROOMS, Metric, declared
from tests.monitoring.alerts import ROOT

SERVICES = ROOT / "services"
DECLARING = {"Counter", "Gauge", "Histogram", "Summary", "Info", "Enum", "counter", "gauge", "histogram"}
METRICS = [metric for room in ROOMS for metric in declared(room)]
each_metric = pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)


def sources(room: str) -> Iterator[Path]:
    yield from (SERVICES / f"talk_{room}").rglob("*.py")


@each_metric
def test_its_name_help_and_labels_follow_the_rules(metric: Metric) -> None:
    assert re.fullmatch(r"(talk|controller_runtime|workqueue|leader_election|rest_client)_[a-z_]+", metric.name)
    assert (metric.kind == "counter") == metric.name.endswith("_total")
    assert metric.kind != "histogram" or metric.unit
    assert metric.help.endswith(".")
    assert not {"session", "session_id", "user", "text", "request_id", "instance", "job", "pod"} & set(metric.labels)


def test_the_reference_is_current() -> None:
    page = metrics_reference.PAGE.read_text()
    assert page == metrics_reference.reference(page), "run `make reference`"
    for metric in METRICS:
        assert f"`{metric.name}`" in page


@pytest.mark.parametrize("room", ["kit", "gateway", "agent", "local"])
def test_metrics_are_declared_in_the_rooms_one_module(room: str) -> None:
    for file in sources(room):
        if file.name == "metrics.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                assert not (called in DECLARING and node.args), f"{file}:{node.lineno} declares a metric"


@pytest.mark.parametrize("room", ["gateway", "agent", "local"])
def test_no_text_of_a_room_names_a_metric_that_is_not_declared(room: str) -> None:
    known = {name for metric in METRICS for name in (metric.name, metric.name.removesuffix("_total"), *metric.series)}
    for file in sources(room):
        for found in re.findall(rf'"(talk_{room}_[a-z_]+_(?:total|seconds|bytes))"', file.read_text()):
            assert found in known, f"{file}: {found}"


@pytest.mark.parametrize("room", ["gateway", "agent", "local"])
def test_every_declared_metric_is_moved_somewhere(room: str) -> None:
    module = (SERVICES / f"talk_{room}" / "metrics.py").read_text()
    text = "\n".join(file.read_text() for file in sources(room))
    for name in re.findall(
        r"^\s*(?:self\.)?(\w+) = (?:Counter|Gauge|Histogram|counter|gauge|histogram)\(", module, re.M
    ):
        labels = r"(?:\.labels\([^)]*(?:\([^)]*\))?[^)]*\))?"
        moved = rf"\b{name}\b{labels}\s*\.(?:inc|dec|set|set_function|observe|track_inprogress)\("
        handed_on = rf"metrics\.{name}\.labels\([^)]*\)[,)]"
        assert re.search(moved, text) or re.search(handed_on, text), f"{name} is declared and never moved"


def test_buckets_lie_on_the_bounds_of_the_objectives() -> None:
    table = (ROOT / "alerts/slo.yaml").read_text()
    bounds = re.findall(r'(talk_\w+)_bucket\{[^}]*le="([\d.]+)"', table)
    assert len(bounds) >= 3
    for name, bound in bounds:
        (metric,) = [metric for metric in METRICS if metric.name == name]
        assert float(bound) in metric.buckets
