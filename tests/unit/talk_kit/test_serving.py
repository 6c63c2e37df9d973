"""A room's server, as a process. How turns end is the rooms' own to test."""

from __future__ import annotations

import asyncio
import gc
import socket
from urllib.parse import urlsplit

import httpx
import pytest

from talk_kit.serving import told_of_loop
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


async def test_a_name_looked_up_in_vain_for_nobody_is_not_told_and_all_else_is(
    caplog: pytest.LogCaptureFixture,
) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(told_of_loop)
    for error in (socket.gaierror(-2, "Name or service not known"), ValueError("of a task")):
        loop.create_future().set_exception(error)
        gc.collect()
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ValueError]
    loop.default_exception_handler({"message": "seen"})
    told_of_loop(loop, {"message": "a callback failed", "exception": socket.gaierror(-2, "of a callback")})
    assert [record.getMessage() for record in caplog.records][-2:] == ["seen", "a callback failed"]
