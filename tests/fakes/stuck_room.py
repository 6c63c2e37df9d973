"""A room with every part of a real one, and a route that blocks its event loop for good: `python -m` this module."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_kit.drain import Drain
from talk_kit.health import Health
from talk_kit.serving import run


async def block(_request: Request) -> Response:
    """Never answers, and lets nothing else answer."""
    while True:
        time.sleep(1)  # noqa: ASYNC251 - that is what it is for


def main() -> None:
    health = Health()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        async with health.running():
            health.started = True
            yield

    app = Starlette(routes=[*health.routes(), Route("/block", block, methods=["POST"])], lifespan=lifespan)
    run(app, host=os.environ["TALK_HOST"], port=int(os.environ["TALK_PORT"]), drain=Drain(health))


if __name__ == "__main__":
    main()
