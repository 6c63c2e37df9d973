"""Prometheus metrics: what every room measures alike, and the route that shows them.

Names are `talk_<room>_<noun>_<unit>[_total]`; labels are bounded: never a session, a user or a text.
"""

from __future__ import annotations

import time
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

# A `_created` series beside each counter doubles what is scraped, and nothing reads it.
disable_created_metrics()  # type: ignore[no-untyped-call]

# Seconds. Dense between 50 ms and 5 s, where people feel a difference; 60 is the default bound of a turn.
LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0)

CLIENT_GONE = "499"


@dataclass(frozen=True, slots=True)
class HttpMetrics:
    """The same three for each room."""

    requests: Counter
    seconds: Histogram
    timeouts: Counter


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
    )


class MetricsMiddleware:
    """Counts and times each request under its route's template; unknown paths share one label."""

    def __init__(self, app: ASGIApp, room: str) -> None:
        self.app = app
        self._metrics = http_metrics(room)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
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


def metrics_route() -> Route:
    """`/metrics` in Prometheus' text format."""

    async def show(_request: Request) -> Response:
        return Response(generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Route("/metrics", show)
