"""Runs an app: uvicorn with the settings that every room shares, and an orderly end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn
from prometheus_client import start_http_server
from starlette.applications import Starlette
from starlette.middleware import Middleware

from talk_kit.context import RequestContextMiddleware
from talk_kit.metrics import MetricsMiddleware
from talk_kit.problems import LastResortMiddleware
from talk_kit.settings import SettingsError

# Longer than a proxy keeps an idle connection (nginx: 60 s), so that the proxy is the one to close it.
KEEP_ALIVE_SECONDS = 75


def middleware(room: str) -> list[Middleware]:
    """What every service wraps its routes in, outermost first."""
    return [
        Middleware(RequestContextMiddleware),
        Middleware(MetricsMiddleware, room=room),
        Middleware(LastResortMiddleware),
    ]


class Server(uvicorn.Server):
    """uvicorn, but the first SIGTERM or SIGINT drains: `on_drain` at once, the listener closes after `delay`.

    In those seconds the endpoint is taken out of Services and load balancers while requests that are already
    on their way still find it. A second signal ends at once.
    """

    def __init__(self, config: uvicorn.Config, on_drain: Callable[[], None], delay: float) -> None:
        super().__init__(config)
        self._on_drain = on_drain
        self._delay = delay
        self._draining = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._draining or self._delay <= 0:
            self._on_drain()
            super().handle_exit(sig, frame)
            return
        self._draining = True
        self._on_drain()
        asyncio.get_running_loop().call_later(self._delay, super().handle_exit, sig, frame)


def run(
    app: Starlette,
    *,
    host: str,
    port: int,
    metrics_port: int = 0,
    drain_seconds: float = 30.0,
    endpoint_delay: float = 0.0,
    on_drain: Callable[[], None] = lambda: None,
) -> None:
    """Serves until a signal. `host` `*` is every address of both families; `metrics_port` 0 opens no second port."""
    if metrics_port:
        start_http_server(metrics_port, addr="::" if host == "*" else host)
    config = uvicorn.Config(
        app,
        host="" if host == "*" else host,
        port=port,
        http="httptools",
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(drain_seconds)),
    )
    Server(config, on_drain, endpoint_delay).run()


def main(service: str, start: Callable[[], None]) -> None:
    """The body of a `__main__`: settings that cannot be used are told line by line, with exit code 2."""
    try:
        start()
    except SettingsError as error:
        for problem in error.problems:
            print(f"{service}: {problem}", file=sys.stderr)
        sys.exit(2)
