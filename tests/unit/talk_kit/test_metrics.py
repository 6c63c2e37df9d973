from __future__ import annotations

import asyncio

from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from talk_kit.metrics import http_metrics
from talk_kit.serving import middleware
from tests.fakes.waiting import eventually


def lag_count() -> float:
    return REGISTRY.get_sample_value("talk_testroom_event_loop_lag_seconds_count") or 0.0


async def test_a_running_app_shows_its_routes_at_zero_and_watches_its_event_loop() -> None:
    async def ask(_request: Request) -> Response:
        return Response()

    app = Starlette(routes=[Route("/v1/ask", ask, methods=["POST"])], middleware=middleware("testroom"))
    http_metrics("testroom")
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan"}, inbox.get, outbox.put))
    await inbox.put({"type": "lifespan.startup"})
    assert (await outbox.get())["type"] == "lifespan.startup.complete"
    labels = {"route": "/v1/ask", "method": "POST", "status": "200"}
    assert REGISTRY.get_sample_value("talk_testroom_http_requests_total", labels) == 0
    await eventually(lambda: lag_count() > 0)
    await inbox.put({"type": "lifespan.shutdown"})
    await running
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "event-loop-lag"]
