"""The agent's app: a value made from a table of routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from talk_agent.dependencies import Dependencies
from talk_agent.gateway_only import gateway_only
from talk_agent.routes import ChatRoute
from talk_agent.service import Service
from talk_agent.session_routes import SessionRoutes
from talk_agent.settings import Settings
from talk_agent.slots import WAIT_SECONDS
from talk_kit.metrics import metrics_route
from talk_kit.names import name_for_gateway
from talk_kit.problems import EXCEPTION_HANDLERS
from talk_kit.serving import middleware


def create_app(settings: Settings, deps: Dependencies) -> Starlette:
    """The app of one agent; `app.state.service` is the agent behind it. There is no CORS header: browsers ask the
    gateway.
    """
    service = Service(settings, deps)
    gateway = gateway_only(
        name_for_gateway(service.agent.name, settings.agent_namespace), settings.identity_public_file
    )
    chat = ChatRoute(
        agent=service.agent.name,
        turns=service.turns,
        message_length=service.agent.spec.limits.message_length,
        gateway=gateway,
        longest=settings.session_wait + WAIT_SECONDS + service.agent.spec.limits.run_timeout,
    )
    sessions = SessionRoutes(agent=service.agent.name, store=service.store, lock=service.lock, gateway=gateway)
    metrics = [] if settings.metrics_port else [metrics_route()]

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with service.running():
            yield

    app = Starlette(
        routes=[chat.route(), *sessions.routes(), *service.health.routes(), *metrics],
        middleware=middleware("agent"),
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
    app.state.service = service
    return app
