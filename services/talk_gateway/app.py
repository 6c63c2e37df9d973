"""The gateway as a value: routes, middleware and one lifespan."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from talk_gateway import metrics
from talk_gateway.admission import HeldUntilAnswered
from talk_gateway.chat import agent_chat, chat, json_answer
from talk_gateway.deps import Deps
from talk_gateway.page import page_routes, web_folder
from talk_gateway.settings import Settings
from talk_gateway.speech import speech_to_speech
from talk_kit.health import Health
from talk_kit.metrics import metrics_route
from talk_kit.problems import EXCEPTION_HANDLERS
from talk_kit.serving import middleware

EXPOSED = ["X-Request-ID", "X-Session-ID", "Retry-After"]
ALLOWED = [
    *("Content-Type", "Authorization", "X-API-Key", "X-Session-ID"),
    *("X-Request-ID", "X-Request-Timeout", "Idempotency-Key"),
]


def create_app(settings: Settings, deps: Deps) -> Starlette:
    """The app for these settings. It is ready once it knows its agents: an ADR says why no provider counts."""
    health = Health(deps.directory.checks())

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with deps.pool, deps.directory.running(deps.pool), health.running():
            for agent in deps.directory.agents():
                metrics.prepare(agent.name)
            health.started = True
            yield

    app = Starlette(
        routes=_routes(settings, health),
        middleware=[*middleware("gateway"), *_cors(settings)],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
    app.state.deps = deps
    app.state.health = health
    return app


def _routes(settings: Settings, health: Health) -> list[BaseRoute]:
    held = [Middleware(HeldUntilAnswered)]
    return [
        Route("/v1/chat", chat, methods=["POST"], middleware=held),
        Route("/v1/speech_to_speech", speech_to_speech, methods=["POST"], middleware=held),
        Route("/v1/agents", list_agents),
        Route("/v1/agents/{agent_name}/chat", agent_chat, methods=["POST"], middleware=held),
        *health.routes(),
        *([] if settings.metrics_port else [metrics_route()]),
        *page_routes(web_folder()),
    ]


async def list_agents(request: Request) -> Response:
    """The agents, ready or not, with the reason where not."""
    deps: Deps = request.app.state.deps
    return json_answer({"agents": [agent.listed() for agent in deps.directory.agents()]}, {})


def _cors(settings: Settings) -> list[Middleware]:
    if not settings.cors_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=ALLOWED,
            expose_headers=EXPOSED,
        )
    ]
