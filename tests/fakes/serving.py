"""An app on a real socket, in the test's own event loop: streams, disconnects and headers are the real ones."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp


@asynccontextmanager
async def serve(app: ASGIApp) -> AsyncIterator[str]:
    """Runs `app` on a free loopback port and gives its URL; ends it, and what it still serves, on the way out."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="on", ws="none", http="httptools", timeout_graceful_shutdown=2
    )
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve([listener]), name="fake-server")
    try:
        async with asyncio.timeout(20):
            while not server.started:
                if running.done():
                    running.result()
                    raise RuntimeError("the app did not start")
                await asyncio.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await asyncio.wait_for(running, 10)
        listener.close()
