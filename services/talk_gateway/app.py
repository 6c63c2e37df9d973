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
from talk_gateway.api_document import document_route
from talk_gateway.auth.middleware import AuthMiddleware
from talk_gateway.chat import agent_chat, chat, json_answer
from talk_gateway.deps import Deps
from talk_gateway.limits.middleware import LimitMiddleware
from talk_gateway.page import page_routes, web_folder
from talk_gateway.running import RunningTurns, TurnRoute
from talk_gateway.settings import Settings
from talk_gateway.speech import speech_to_speech
from talk_kit.drain import Drain
from talk_kit.health import Health
from talk_kit.metrics import metrics_route
from talk_kit.problems import EXCEPTION_HANDLERS
from talk_kit.serving import middleware

EXPOSED = ["X-Request-ID", "X-Session-ID", "Retry-After", "WWW-Authenticate", "RateLimit", "RateLimit-Policy"]
ALLOWED = [
    *("Content-Type", "Authorization", "X-API-Key", "X-Session-ID"),
    *("X-Request-ID", "X-Request-Timeout", "Idempotency-Key"),
]


def create_app(settings: Settings, deps: Deps) -> Starlette:
    """The app for these settings. It is ready once it knows its agents: an ADR says why no provider counts."""
    health = Health([*deps.directory.checks(), *deps.authenticator.checks()])
    turns = RunningTurns()
    drain = Drain(health, delay=settings.endpoint_delay, seconds=settings.drain_seconds)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        directory, callers = deps.directory.running(deps.pool), deps.authenticator.running(deps.pool)
        async with deps.pool, directory, callers, health.running(), drain.of(turns):
            for agent in deps.directory.agents():
                metrics.prepare(agent.name)
            health.started = True
            try:
                yield
            finally:
                await deps.limiter.close()

    app = Starlette(
        routes=_routes(settings, health, turns),
        middleware=[*middleware("gateway"), *_cors(settings), *_locked(deps)],
        exception_handlers=EXCEPTION_HANDLERS,
        lifespan=lifespan,
    )
    app.state.deps = deps
    app.state.health = health
    app.state.drain = drain
    return app


def _routes(settings: Settings, health: Health, turns: RunningTurns) -> list[BaseRoute]:
    return [
        Route("/v1/chat", TurnRoute(turns, chat), methods=["POST"]),
        Route("/v1/speech_to_speech", TurnRoute(turns, speech_to_speech), methods=["POST"]),
        Route("/v1/agents", list_agents),
        Route("/v1/agents/{agent_name}/chat", TurnRoute(turns, agent_chat), methods=["POST"]),
        *health.routes(),
        document_route(metrics=not settings.metrics_port),
        *([] if settings.metrics_port else [metrics_route()]),
        *page_routes(web_folder()),
    ]


async def list_agents(request: Request) -> Response:
    """The agents, ready or not, with the reason where not."""
    deps: Deps = request.app.state.deps
    return json_answer({"agents": [agent.listed() for agent in deps.visible(request).agents()]}, {})


def _locked(deps: Deps) -> list[Middleware]:
    """Behind CORS: a browser asks before it sends credentials, and reads no refusal without its headers."""
    limits = Middleware(LimitMiddleware, limiter=deps.limiter, trusted=deps.settings.trusted_proxies)
    return [limits, Middleware(AuthMiddleware, authenticator=deps.authenticator, identities=deps.identities)]


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
