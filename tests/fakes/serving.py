"""An app on a real socket, in the test's own event loop: streams, disconnects and headers are the real ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from talk_kit.connections import ConnectionLimits, bounded
from talk_kit.serving import KEEP_ALIVE_SECONDS


@asynccontextmanager
async def serve(
    app: ASGIApp, *, limits: ConnectionLimits | None = None, idle: float = KEEP_ALIVE_SECONDS
) -> AsyncIterator[str]:
    """Runs `app` on a free loopback port and gives its URL; ends it, and what it still serves, on the way out."""
    async with _running(_Running(app, limits, idle)) as (url,):
        yield url


@asynccontextmanager
async def serve_all(*apps: ASGIApp) -> AsyncIterator[list[str]]:
    """Several at once, which also end at once: an orderly end takes uvicorn a tenth of a second each."""
    async with _running(*(_Running(app) for app in apps)) as urls:
        yield urls


@asynccontextmanager
async def _running(*running: _Running) -> AsyncIterator[list[str]]:
    try:
        await asyncio.gather(*(each.start() for each in running))
        yield [each.url for each in running]
    finally:
        await asyncio.gather(*(each.stop() for each in running))


class _Running:
    def __init__(self, app: ASGIApp, limits: ConnectionLimits | None = None, idle: float = KEEP_ALIVE_SECONDS) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="on",
                ws="none",
                proxy_headers=False,
                http=bounded(limits or ConnectionLimits()),
                timeout_keep_alive=idle,  # type: ignore[arg-type] # whole seconds are long for a test
                timeout_graceful_shutdown=2,
            )
        )
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.create_task(self._server._serve([self._listener]), name="fake-server")
        async with asyncio.timeout(20):
            while not self._server.started:
                if self._task.done():
                    self._task.result()
                    raise RuntimeError("the app did not start")
                await asyncio.sleep(0.002)

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._task is not None:
            await asyncio.wait_for(self._task, 10)
        self._listener.close()
