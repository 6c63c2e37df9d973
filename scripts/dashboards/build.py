"""A dashboard as a value, and Grafana's JSON of it.

Queries are written without filters: each metric gets the dashboard's variables that it has labels for, so that no
panel forgets one. There is one variable for the data source, and everything uses it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from scripts.metrics_inventory import CONTROLLER, PROCESS, ROOMS, declared

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
Kind = Literal["timeseries", "stat", "heatmap", "bargauge", "table"]
HEIGHTS: dict[Kind, int] = {"timeseries": 8, "stat": 4, "heatmap": 9, "bargauge": 8, "table": 8}
COLUMNS = 24
# Names that are filtered by job; recorded series have none.
METRIC = re.compile(rf"\b(talk_\w+|up|{'|'.join(PROCESS)}|(?:{'|'.join(CONTROLLER)})\w+)\b(\{{)?")


@dataclass(frozen=True, slots=True)
class Panel:
    """`queries` are expressions by their legend; `unit` is Grafana's word for it; `width` is of 24 columns.

    Below the first of two `bounds` a value is red, below the second orange.
    """

    title: str
    description: str
    unit: str
    queries: Mapping[str, str]
    kind: Kind = "timeseries"
    width: int = 12
    stacked: bool = False
    bounds: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: rows of panels by their heading. `agents`: whether one chooses an agent."""

    uid: str
    title: str
    description: str
    rows: Mapping[str, list[Panel]] = field(default_factory=dict)
    agents: bool = False


@cache
def _labels() -> dict[str, tuple[str, ...]]:
    return {series: metric.labels for room in ROOMS for metric in declared(room) for series in metric.series}


def filtered(expr: str, agents: bool) -> str:
    """The expression with the dashboard's variables in each selector."""

    def selector(match: re.Match[str]) -> str:
        name, open_brace = match[1], match[2]
        wanted = 'namespace=~"$namespace",job=~"$job"'
        if agents and "agent" in _labels().get(name, ()):
            wanted += ',agent=~"$agent"'
        return f"{name}{{{wanted}," if open_brace else f"{name}{{{wanted}}}"

    # Series of an objective that is not counted by agent, or that come from no cluster, lack the label.
    chosen = 'namespace=~"$namespace|"' + (',agent=~"$agent|"' if agents else "")
    recorded = re.sub(r"(talk:[\w:]+)\{", rf"\1{{{chosen},", expr)
    return METRIC.sub(selector, recorded)


def rendered(board: Board) -> str:
    """The file."""
    return json.dumps(_board(board), indent=2, ensure_ascii=False) + "\n"


def _board(board: Board) -> dict[str, Any]:
    return {
        "uid": board.uid,
        "title": board.title,
        "description": board.description,
        "tags": ["talk"],
        "schemaVersion": 39,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "browser",
        "links": [
            {
                "type": "dashboards",
                "title": "Talk",
                "tags": ["talk"],
                "asDropdown": True,
                "includeVars": True,
                "keepTime": True,
            }
        ],
        "templating": {"list": list(_variables(board))},
        "annotations": {
            "list": [
                {
                    "name": "Alerts",
                    "datasource": DATASOURCE,
                    "enable": True,
                    "expr": 'ALERTS{alertname=~"Talk.+",alertstate="firing",namespace=~"$namespace|"}',
                    "titleFormat": "{{alertname}}",
                    "iconColor": "red",
                }
            ]
        },
        "panels": list(_panels(board)),
    }


def _variables(board: Board) -> Iterator[dict[str, Any]]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"}
    builds = '{__name__=~"talk_.+_build_info|leader_election_master_status"}'
    yield _choice("namespace", "Namespace", f"label_values({builds}, namespace)")
    yield _choice("job", "Job", f"label_values({builds}, job)")
    if board.agents:
        yield _choice("agent", "Agent", 'label_values(talk_agent_ready{namespace=~"$namespace"}, agent)')


def _choice(name: str, label: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": query, "refId": name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels(board: Board) -> Iterator[dict[str, Any]]:
    number, y = 0, 0
    for heading, panels in board.rows.items():
        number += 1
        yield {
            "id": number, "type": "row", "title": heading, "collapsed": False, "panels": [],
            "gridPos": {"h": 1, "w": COLUMNS, "x": 0, "y": y},
        }  # fmt: skip
        y, x, highest = y + 1, 0, 0
        for panel in panels:
            if x + panel.width > COLUMNS:
                y, x, highest = y + highest, 0, 0
            number += 1
            height = HEIGHTS[panel.kind]
            place = {"h": height, "w": panel.width, "x": x, "y": y}
            yield {"id": number, "gridPos": place, **_panel(panel, board.agents)}
            x, highest = x + panel.width, max(highest, height)
        y += highest


def _panel(panel: Panel, agents: bool) -> dict[str, Any]:
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.description,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": []},
        "options": _options(panel),
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": DATASOURCE,
                "expr": filtered(expr, agents),
                "legendFormat": legend,
                **({"format": "heatmap"} if panel.kind == "heatmap" else {}),
                **({"instant": True, "range": False} if panel.kind in ("stat", "bargauge", "table") else {}),
            }
            for index, (legend, expr) in enumerate(panel.queries.items())
        ],
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": panel.unit, "min": 0}
    if panel.kind == "timeseries":
        stacking = {"mode": "normal" if panel.stacked else "none", "group": "A"}
        defaults["custom"] = {"lineWidth": 1, "fillOpacity": 30 if panel.stacked else 8, "stacking": stacking}
    if panel.bounds:
        steps: list[dict[str, Any]] = [{"color": "red", "value": None}]
        steps += [{"color": c, "value": bound} for c, bound in zip(("orange", "green"), panel.bounds, strict=True)]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    return defaults


def _options(panel: Panel) -> dict[str, Any]:
    match panel.kind:
        case "timeseries":
            legend = {
                "displayMode": "table",
                "placement": "bottom",
                "calcs": ["lastNotNull", "max"],
                "showLegend": True,
            }
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        case "heatmap":
            return {
                "calculate": False,
                "color": {"mode": "scheme", "scheme": "Oranges"},
                "yAxis": {"unit": panel.unit},
            }
        case _:
            return {"reduceOptions": {"calcs": ["lastNotNull"], "values": False}}
