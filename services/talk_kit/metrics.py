"""Prometheus metrics: what every room measures alike, and the route that shows them.

Names are `talk_<room>_<noun>_<unit>[_total]`; labels are bounded: never a session, a user or a text.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from talk_kit.disconnect import cancel_and_wait

# A `_created` series beside each counter doubles what is scraped, and nothing reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Seconds. Dense between 50 ms and 5 s, where people feel a difference; 60 is the default bound of a turn.
LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)

# Seconds between two looks at the event loop, and buckets of how late they came; a healthy loop is late by 1 ms.
LAG_INTERVAL = 0.5
LAG_BUCKETS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

CLIENT_GONE = "499"


@dataclass(frozen=True, slots=True)
class HttpMetrics:
    """The same for each room."""

    requests: Counter
    seconds: Histogram
    timeouts: Counter
    lag: Histogram
    tasks: Gauge


@cache
def http_metrics(room: str) -> HttpMetrics:
    """The HTTP metrics of a room, and its build info; made once in a process."""
    build = Gauge(f"talk_{room}_build_info", "The version that runs, as a label; always 1.", ["version"])
    build.labels(version("talk")).set(1)
    return HttpMetrics(
        requests=Counter(
            f"talk_{room}_http_requests",
            "Requests by route, method and status.",
            ["route", "method", "status"],
        ),
        seconds=Histogram(
            f"talk_{room}_http_request_seconds",
            "Seconds from a request's head to the last byte of its answer.",
            ["route", "method"],
            buckets=LATENCY_BUCKETS,
        ),
        timeouts=Counter(
            f"talk_{room}_timeouts", "Waits that ran into their bound, by what was waited for.", ["target"]
        ),
        lag=Histogram(
            f"talk_{room}_event_loop_lag_seconds",
            "Seconds by which the event loop was late, looked at twice a second: whatever runs waits so long.",
            buckets=LAG_BUCKETS,
        ),
        tasks=Gauge(
            f"talk_{room}_event_loop_tasks",
            "Tasks of the event loop, looked at twice a second: a number that grows at rest is a leak.",
        ),
    )


@asynccontextmanager
async def watching_loop(lag: Histogram, tasks: Gauge) -> AsyncIterator[None]:
    """Observes the event loop's lag, and how many tasks it has, within the block."""

    async def watch() -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due = clock() + LAG_INTERVAL
            await asyncio.sleep(LAG_INTERVAL)
            lag.observe(max(0.0, clock() - due))
            tasks.set(len(asyncio.all_tasks()))

    task = asyncio.create_task(watch(), name="event-loop-lag")
    try:
        yield
    finally:
        await cancel_and_wait(task)


class MetricsMiddleware:
    """Counts and times each request under its route's template; unknown paths share one label.

    While the app runs, it also watches the event loop's lag.
    """

    def __init__(self, app: ASGIApp, room: str) -> None:
        self.app = app
        self._metrics = http_metrics(room)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            self._prepare(scope)
            async with watching_loop(self._metrics.lag, self._metrics.tasks):
                await self.app(scope, receive, send)
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = time.perf_counter()
        status = CLIENT_GONE

        async def watched_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, watched_send)
        finally:
            route = getattr(scope.get("route"), "path", "other") or "/"
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "OPTIONS") else "other"
            self._metrics.requests.labels(route, method, status).inc()
            self._metrics.seconds.labels(route, method).observe(time.perf_counter() - begun)

    def _prepare(self, scope: Scope) -> None:
        """Brings the successes of what does work into being, at 0."""
        for route in getattr(scope.get("app"), "routes", ()):
            if "POST" in (getattr(route, "methods", None) or ()):
                self._metrics.requests.labels(route.path, "POST", "200")


def metrics_route() -> Route:
    """`/metrics` in Prometheus' text format."""

    async def show(_request: Request) -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Route("/metrics", show)
