"""Runs an app: uvicorn with the settings that every room shares, and an orderly end."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from prometheus_client import start_http_server
from starlette.applications import Starlette
from starlette.middleware import Middleware

from talk_kit.connections import CONNECTIONS, ConnectionLimits, at_most_half_of_the_files, bounded
from talk_kit.context import RequestContextMiddleware
from talk_kit.drain import Drain
from talk_kit.metrics import MetricsMiddleware
from talk_kit.problems import LastResortMiddleware
from talk_kit.settings import SettingsError

# Longer than a proxy keeps an idle connection (nginx: 60 s), so that the proxy is the one to close it.
KEEP_ALIVE_SECONDS = 75
# After the drain: answers whose turn has ended and that are still being written. Grace periods leave room for it.
CLOSING_SECONDS = 5.0
CONNECTION_CLOSE = (b"connection", b"close")


def middleware(room: str) -> list[Middleware]:
    """What every service wraps its routes in, outermost first."""
    return [
        Middleware(RequestContextMiddleware),
        Middleware(MetricsMiddleware, room=room),
        Middleware(LastResortMiddleware),
    ]


def told_of_loop(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody waited for, in the log; but for a name that was looked up in vain.

    uvloop forgets the look-up of a connect that was cancelled or ran out of time, and its caller was told that.
    """
    if not ("future" in context and isinstance(context.get("exception"), socket.gaierror)):
        loop.default_exception_handler(context)


class Server(uvicorn.Server):
    """uvicorn, but the first SIGTERM or SIGINT drains and a second one ends at once.

    While `drain` lasts, the listener stays open: a request that is still on its way is answered, with
    `Connection: close`, and none is refused a connection. When turns are no longer accepted, connections without a
    request are closed too, so that their clients come back by way of another process.
    """

    def __init__(self, config: uvicorn.Config, drain: Drain) -> None:
        super().__init__(config)
        self._drain = drain
        self._signal: int | None = None
        self._idle_closed = False

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._signal is not None:
            self.force_exit = True
            super().handle_exit(sig, frame)
            return
        self._signal = sig
        if self.started:
            asyncio.get_running_loop().call_soon_threadsafe(self._leave_connections)
        else:
            super().handle_exit(sig, frame)
        self._drain.begin()

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().set_exception_handler(told_of_loop)
        await super().serve(sockets)

    async def on_tick(self, counter: int) -> bool:
        ends = await super().on_tick(counter)
        if self._signal is not None:
            self._leave_connections()
            if self._drain.over and not self.should_exit:
                super().handle_exit(self._signal, None)
        return ends or self.should_exit

    def _leave_connections(self) -> None:
        """Answers from now on close their connection. uvicorn makes the default headers anew each second."""
        if CONNECTION_CLOSE not in self.server_state.default_headers:
            self.server_state.default_headers = [*self.server_state.default_headers, CONNECTION_CLOSE]
            for connection in self._used_connections():
                connection.cycle.keep_alive = connection.cycle.keep_alive and connection.cycle.response_complete
        if self._drain.refusing and not self._idle_closed:
            self._idle_closed = True
            for connection in self._used_connections():
                connection.shutdown()

    def _used_connections(self) -> list[Any]:
        """Those that have brought a request. A new one's first request is on its way and gets its answer."""
        return [c for c in self.server_state.connections if getattr(c, "cycle", None) is not None]


def run(
    app: Starlette,
    *,
    host: str,
    port: int,
    drain: Drain,
    metrics_port: int = 0,
    closing_seconds: float = CLOSING_SECONDS,
    connections: int = CONNECTIONS,
) -> None:
    """Serves until a signal, and then until `drain` is over.

    `host` `*` is every address of both families; `metrics_port` 0 opens no second port. After the drain, requests
    under way have `closing_seconds`. `connections` are held at once; a process with few open files holds fewer.
    """
    if metrics_port:
        start_http_server(metrics_port, addr="::" if host == "*" else host)
    config = uvicorn.Config(
        app,
        host="" if host == "*" else host,
        port=port,
        http=bounded(ConnectionLimits(at_most_half_of_the_files(connections))),
        loop="uvloop" if sys.platform != "win32" else "asyncio",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        # X-Forwarded-For is read where proxies are named: uvicorn would believe whoever comes from this machine.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=max(1, round(closing_seconds)),
    )
    Server(config, drain).run()


def main(service: str, start: Callable[[], None]) -> None:
    """The body of a `__main__`: settings that cannot be used are told line by line, with exit code 2."""
    try:
        start()
    except SettingsError as error:
        for problem in error.problems:
            print(f"{service}: {problem}", file=sys.stderr)
        sys.exit(2)
