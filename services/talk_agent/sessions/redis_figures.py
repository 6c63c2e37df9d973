"""What Redis says of itself, as metrics of the agent: no exporter beside it is needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from typing_extensions import override

from talk_agent.metrics import RedisMetrics, redis_metrics
from talk_agent.sessions.redis_errors import Unfit
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.scripts import Call, Command
from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import Unavailable
from talk_kit.redis_address import RedisAddress

INTERVAL = 10.0


class ObservedRedisServer(RedisServer):
    """The same server; each round trip is timed, and counted where it fails."""

    def __init__(self, address: RedisAddress, metrics: RedisMetrics) -> None:
        super().__init__(address)
        self._metrics = metrics

    @override
    async def run(self, *commands: Command | Call) -> list[Any]:
        begun = time.monotonic()
        try:
            return await super().run(*commands)
        except Unavailable:
            self._metrics.errors.inc()
            raise
        finally:
            self._metrics.seconds.observe(time.monotonic() - begun)


@asynccontextmanager
async def watching_redis(address: RedisAddress | None, interval: float = INTERVAL) -> AsyncIterator[None]:
    """Asks for INFO every `interval` seconds within the block, over a connection of its own; never without a Redis."""
    if address is None:
        yield
        return
    server = RedisServer(address, size=1)
    task = asyncio.create_task(_watch(server, redis_metrics(), interval), name="redis-info")
    try:
        yield
    finally:
        await cancel_and_wait(task)
        await server.close()
        await asyncio.sleep(0)  # a cut connection is closed by the loop's next pass


async def _watch(server: RedisServer, metrics: RedisMetrics, interval: float) -> None:
    while True:
        try:
            await server.run(("PING",))
            metrics.up.set(1)
            with suppress(Unfit):  # a user who may not ask for INFO goes without its figures
                metrics.show((await server.run(("INFO",)))[0])
        except Unavailable:
            metrics.up.set(0)
        await asyncio.sleep(interval)
