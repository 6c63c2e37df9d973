"""Queries that several dashboards ask alike.

An agent is told apart by its name and its namespace: two namespaces may have one of the same name.
"""

from __future__ import annotations

from scripts.dashboards.build import Panel

RATE = "[$__rate_interval]"


def quantiles(metric: str, by: str = "", where: str = "") -> dict[str, str]:
    """The median and the slowest twentieth of a histogram, one pair for each value of the label `by`."""
    labels = f"le, {grouped(by)}" if by else "le"
    name = f" {legend(by)}" if by else ""
    inner = f"sum by ({labels}) (rate({metric}_bucket{where}{RATE}))"
    return {f"p{q:g}{name}": f"histogram_quantile({q / 100:g}, {inner})" for q in (50, 95)}


def slowest(metric: str, by: str) -> dict[str, str]:
    """The slowest twentieth of a histogram, by a label."""
    return {legend(by): f"histogram_quantile(0.95, sum by (le, {grouped(by)}) (rate({metric}_bucket{RATE})))"}


def rate(metric: str, by: str, where: str = "") -> dict[str, str]:
    """Events a second by one label or several."""
    return {legend(by): f"sum by ({grouped(by)}) (rate({metric}{where}{RATE}))"}


def grouped(by: str) -> str:
    """The labels of a grouping, with the namespace beside an agent's name."""
    return f"namespace, {by}" if "agent" in by.split(", ") else by


def legend(by: str) -> str:
    """The labels of a grouping, as a legend shows them. Without namespaces there is only the name."""
    labels = [*by.split(", "), *(["namespace"] if "agent" in by.split(", ") else [])]
    return " ".join(f"{{{{{label}}}}}" for label in labels)


def share(part: str, whole: str, by: str = "") -> dict[str, str]:
    """A part of a whole, 0 to 1; nothing where nothing happened."""
    group = f" by ({grouped(by)}) " if by else ""
    return {
        legend(by)
        if by
        else "share": f"clamp(sum{group}(rate({part}{RATE})) / (sum{group}(rate({whole}{RATE})) > 0), 0, 1)"
    }


def stage(name: str) -> dict[str, str]:
    """One stage of a voice turn."""
    return quantiles("talk_gateway_turn_stage_seconds", where=f'{{stage="{name}"}}')


def heatmap(title: str, description: str, expr: str) -> Panel:
    """How a histogram's events spread, over time."""
    return Panel(title, description, "s", {"{{le}}": f"sum by (le) (increase({expr}{RATE}))"}, "heatmap", 12)


def running(metric: str) -> dict[str, str]:
    """CPU or memory of each process."""
    return {"{{job}} {{instance}}": metric}
