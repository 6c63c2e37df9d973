"""The operator's app: probes and metrics over the operator, which runs as long as the app does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from talk_kit.disconnect import cancel_and_wait
from talk_kit.metrics import metrics_route
from talk_kit.problems import EXCEPTION_HANDLERS
from talk_kit.serving import middleware
from talk_operator.runtime import Dependencies, Operator
from talk_operator.settings import Settings


def create_app(settings: Settings, deps: Dependencies) -> Starlette:
    """The app of one replica; `app.state.operator` is the operator behind it."""
    operator = Operator(settings, deps)
    shown = [] if settings.metrics_port else [metrics_route()]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with operator.health.running():
            working = asyncio.create_task(operator.run(), name="operator")
            operator.health.started = True
            try:
                yield
            finally:
                operator.health.draining = True
                await cancel_and_wait(working)
                await deps.readiness.close()
                await deps.api.close()

    app = Starlette(
        routes=[*operator.health.routes(), *shown],
        middleware=middleware("operator"),
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
    app.state.operator = operator
    return app
