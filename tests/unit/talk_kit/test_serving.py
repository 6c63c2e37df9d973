"""A room's server, as a process. How turns end is the rooms' own to test."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

import httpx
import pytest

from tests.fakes.processes import room

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(180)]


async def test_a_process_without_turns_ends_with_the_first_signal() -> None:
    async with room("tests.fakes.stuck_room") as running:
        running.terminate()
        assert await running.ended() in (0, -15), running.printed()


async def test_a_blocked_event_loop_fails_the_liveness_probe() -> None:
    """Kubernetes restarts the pod after three of these."""
    async with room("tests.fakes.stuck_room") as running, httpx.AsyncClient(base_url=running.url) as client:
        assert (await client.get("/healthz", timeout=30.0)).status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/block", timeout=1.0)
        with pytest.raises(httpx.ReadTimeout):
            await client.get("/healthz", timeout=1.0)


async def test_a_process_bounds_the_heads_that_it_reads() -> None:
    """As every room is started. What else its listener bounds is in `test_connections.py`."""
    async with room("tests.fakes.stuck_room") as running:
        at = urlsplit(running.url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100_000)
        answer = await asyncio.wait_for(reader.read(-1), 30)
        writer.close()
    assert answer.startswith(b"HTTP/1.1 431 ")
