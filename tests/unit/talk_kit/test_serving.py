"""A room's server, as a process. How turns end is the rooms' own to test."""

from __future__ import annotations

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
