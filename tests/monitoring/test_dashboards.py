"""Dashboards are what their source says, ask only for what exists, and bind to no data source of their own."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scripts.dashboards.boards import BOARDS
from scripts.dashboards.build import DATASOURCE, rendered
from scripts.metrics_inventory import ROOMS, declared, every_series
from tests.monitoring.alerts import ROOT, names, promtool, rules

FILES = sorted((ROOT / "dashboards").glob("*.json"))
each_board = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def read(file: Path) -> dict[str, Any]:
    board: dict[str, Any] = json.loads(file.read_text())
    return board


def panels(file: Path) -> list[dict[str, Any]]:
    return [panel for panel in read(file)["panels"] if panel["type"] != "row"]


def queries(file: Path) -> Iterator[str]:
    for panel in panels(file):
        yield from (target["expr"] for target in panel["targets"])


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """Every JSON object in it."""
    if isinstance(value, dict):
        yield value
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(child)


def plain(expr: str) -> str:
    """The expression with Grafana's variables filled in."""
    return re.sub(r"\$\w+", ".*", expr.replace("$__rate_interval", "5m"))


def test_the_files_are_those_of_the_source() -> None:
    assert {file.stem: file.read_text() for file in FILES} == {board.uid: rendered(board) for board in BOARDS}, (
        "run `make reference`"
    )


@each_board
def test_each_panel_says_what_it_shows(file: Path) -> None:
    for panel in panels(file):
        assert panel["title"], panel
        assert panel["description"].endswith("."), panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert all(target["legendFormat"] for target in panel["targets"]), panel["title"]


@each_board
def test_everything_asks_the_one_chosen_data_source(file: Path) -> None:
    text, board = file.read_text(), read(file)
    assert "__inputs" not in text
    assert "DS_" not in text
    assert [v["name"] for v in board["templating"]["list"] if v["type"] == "datasource"] == ["datasource"]
    used = [each["datasource"] for each in objects(board) if "datasource" in each]
    assert used
    assert all(each == DATASOURCE for each in used)
    variables = [v for v in board["templating"]["list"] if v["type"] == "query"]
    assert all("datasource" in each for each in [*variables, *board["annotations"]["list"], *panels(file)])


@each_board
def test_panels_fill_the_grid_without_overlap(file: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in read(file)["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + dx, place["y"] + dy) for dx in range(place["w"]) for dy in range(place["h"])}
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells
    numbers = [panel["id"] for panel in read(file)["panels"]]
    assert len(set(numbers)) == len(numbers)


def test_uids_and_titles_are_unique_and_stable() -> None:
    assert [file.stem for file in FILES] == sorted(read(file)["uid"] for file in FILES)
    assert len({read(file)["title"] for file in FILES}) == len(FILES)


def test_promtool_reads_every_query(tmp_path: Path) -> None:
    found = [
        {"record": f"q:{number}", "expr": plain(expr)}
        for number, expr in enumerate(q for f in FILES for q in queries(f))
    ]
    file = tmp_path / "queries.yaml"
    file.write_text(json.dumps({"groups": [{"name": "panels", "rules": found}]}))
    done = promtool("check", "rules", str(file))
    assert done.returncode == 0, done.stdout + done.stderr


@each_board
def test_queries_name_only_what_is_declared(file: Path) -> None:
    if file.stem == "talk-operator" and not declared("operator"):
        return
    recorded = {rule["record"] for _, rule in rules() if "record" in rule}
    for expr in queries(file):
        assert names(plain(expr)) <= every_series() | recorded, expr


@each_board
def test_rates_follow_the_zoom(file: Path) -> None:
    for expr in queries(file):
        assert set(re.findall(r"\[([^\]]+)\]", expr)) <= {"$__rate_interval", "15m", "24h"}, expr


@each_board
def test_each_selector_follows_the_chosen_namespace_job_and_agent(file: Path) -> None:
    labels = {series: metric.labels for room in ROOMS for metric in declared(room) for series in metric.series}
    chosen = any(variable["name"] == "agent" for variable in read(file)["templating"]["list"])
    for expr in queries(file):
        for name, selector in re.findall(
            r"\b((?:talk|process|python)_\w+)(\{[^}]*\})?", re.sub(r'"[^"]*"', '"x"', expr)
        ):
            assert "job=~" in selector, expr
            assert "namespace=~" in selector, expr
            assert not re.search(r"(?:by|on) \((?![^)]*namespace)[^)]*\bagent\b", expr), expr
            assert not (chosen and "agent" in labels.get(name, ())) or "agent=~" in selector, expr


def test_every_declared_metric_is_used() -> None:
    used = set().union(*(names(plain(expr)) for file in FILES for expr in queries(file)))
    used |= set().union(*(names(rule["expr"]) for _, rule in rules()))
    for room in ROOMS:
        for metric in declared(room):
            assert used & set(metric.series), f"{metric.name} is in no alert and no panel"
