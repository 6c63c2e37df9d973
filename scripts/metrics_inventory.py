"""Every metric that Talk's processes declare, read from the modules that declare them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from talk_kit.metrics import http_metrics

ROOMS = ("gateway", "agent", "local", "operator")
CONTROLLER = ("controller_runtime_", "workqueue_", "leader_election_", "rest_client_", "talk_operator_")

# What prometheus_client exports of each process on Linux, and nothing is declared for. And what Prometheus itself adds.
PROCESS = {
    "process_cpu_seconds_total": ("counter", "CPU time of the process, in user and system mode."),
    "process_resident_memory_bytes": ("gauge", "Memory that the process holds (RSS)."),
    "process_virtual_memory_bytes": ("gauge", "Address space of the process."),
    "process_start_time_seconds": ("gauge", "When the process started, in seconds since 1970."),
    "process_open_fds": ("gauge", "Open file descriptors."),
    "process_max_fds": ("gauge", "The limit of open file descriptors."),
    "python_gc_objects_collected_total": ("counter", "Objects that the garbage collector freed, by generation."),
    "python_gc_objects_uncollectable_total": ("counter", "Objects that it could not free, by generation."),
    "python_gc_collections_total": ("counter", "Runs of the garbage collector, by generation."),
    "python_info": ("gauge", "The Python that runs, as labels; always 1."),
}
PROMETHEUS = {"up": ("gauge", "1 when the latest scrape of a target went well; made by Prometheus.")}


@dataclass(frozen=True, slots=True)
class Metric:
    """One family. `name` is as in queries, but for a histogram's `_bucket`, `_sum` and `_count`."""

    name: str
    kind: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    @property
    def unit(self) -> str:
        """From the name, as Prometheus wants it."""
        found = re.search(r"_(seconds|bytes)(_total)?$", self.name)
        return found[1] if found else ""

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{end}" for end in ("bucket", "sum", "count"))
        return (self.name,)


def declared(room: str) -> list[Metric]:
    """A room's metrics by name; none where the room is not installed."""
    collectors = [REGISTRY]
    if room in _DECLARE:
        http_metrics(room)
        collectors += _DECLARE[room]()
    elif room == "operator" and find_spec("talk_operator.metrics") is None:
        return []
    elif room == "operator":
        import_module("talk_operator.metrics")
    prefixes = CONTROLLER if room == "operator" else (f"talk_{room}_",)
    found = {metric.name: metric for registry in collectors for metric in _metrics(registry)}
    return [found[name] for name in sorted(found) if name.startswith(prefixes)]


def common() -> list[Metric]:
    """What every process has, and what Prometheus adds."""
    return [Metric(name, kind, text) for name, (kind, text) in {**PROCESS, **PROMETHEUS}.items()]


def every_series() -> frozenset[str]:
    """All names that a query may use."""
    metrics = [*common(), *(metric for room in ROOMS for metric in declared(room))]
    return frozenset(name for metric in metrics for name in metric.series)


def _metrics(registry: CollectorRegistry) -> Iterator[Metric]:
    collectors: Any = registry._collector_to_names
    for collector in list(collectors):
        if kind := getattr(collector, "_type", ""):
            name = collector._name + ("_total" if kind == "counter" else "")
            bounds = tuple(b for b in getattr(collector, "_upper_bounds", ()) if b != float("inf"))
            yield Metric(name, kind, collector._documentation, tuple(collector._labelnames), bounds)


def _agent() -> list[CollectorRegistry]:
    module = import_module("talk_agent.metrics")
    registry = CollectorRegistry()
    module.AgentMetrics(registry)
    module.RedisMetrics(registry)
    return [registry]


def _imported(module: str) -> Callable[[], list[CollectorRegistry]]:
    def declare() -> list[CollectorRegistry]:
        import_module(module)
        return []

    return declare


_DECLARE: dict[str, Callable[[], list[CollectorRegistry]]] = {
    "gateway": _imported("talk_gateway.metrics"),
    "agent": _agent,
    "local": _imported("talk_local.metrics"),
}
