"""Connections of the transport: what becomes of them when nobody asks any more."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from talk_kit.transport import AsyncioTransport

pytestmark = pytest.mark.loopback

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Answers every request on a connection, closes none of them, and counts those that are open. `/long` is answered
    when it may be.
    """

    def __init__(self) -> None:
        self.url = ""
        self.open = 0
        self.changed = asyncio.Condition()
        self.long_asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._count(1)
        try:
            while asked := await reader.readuntil(b"\r\n\r\n"):
                if asked.startswith(b"GET /long "):
                    self.long_asked.set()
                    await self.may_answer.wait()
                writer.write(ANSWER)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()
            await self._count(-1)

    async def _count(self, more: int) -> None:
        async with self.changed:
            self.open += more
            self.changed.notify_all()

    async def until_open(self, connections: int) -> None:
        async with asyncio.timeout(10), self.changed:
            await self.changed.wait_for(lambda: self.open == connections)


@asynccontextmanager
async def serving() -> AsyncIterator[Server]:
    server = Server()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
        yield server


def client(keepalive: float) -> httpx.AsyncClient:
    context = ssl.create_default_context()
    transport = AsyncioTransport(context, keepalive_connections=8, keepalive_seconds=keepalive)
    return httpx.AsyncClient(transport=transport)


def own_tasks() -> list[asyncio.Task[object]]:
    return [task for task in asyncio.all_tasks() if task.get_name() == "close-idle-connections"]


async def test_connections_that_nobody_uses_are_closed_without_another_request() -> None:
    async with serving() as server, client(keepalive=0.05) as http:
        for _ in range(2):  # and those of a second busy time
            async with asyncio.TaskGroup() as group:
                for _ in range(4):
                    group.create_task(http.get(server.url))
            await server.until_open(0)
        async with asyncio.timeout(10):
            await asyncio.gather(*own_tasks())  # it ends by itself


async def test_a_connection_in_use_is_not_idle_however_long_it_takes() -> None:
    async with serving() as server, client(keepalive=0.01) as http:
        long = asyncio.create_task(http.get(f"{server.url}long"), name="long")
        await server.long_asked.wait()
        for _ in range(3):
            await http.get(server.url)
            await server.until_open(1)
        server.may_answer.set()
        assert (await long).text == "ok"


async def test_closing_ends_the_task_and_every_connection() -> None:
    async with serving() as server:
        async with client(keepalive=60.0) as http:
            await http.get(server.url)
            assert server.open == 1
            assert len(own_tasks()) == 1
        assert not own_tasks()
        await server.until_open(0)
