from __future__ import annotations

import asyncio
import time

import pytest

from talk_kit.errors import ProviderUnreachable
from talk_kit.health import STUCK_SECONDS, Check, Health
from tests.fakes.waiting import eventually


async def fine() -> None:
    return None


def check(**options: object) -> Check:
    return Check("model", fine, **options)  # type: ignore[arg-type]


def test_a_check_fails_after_its_number_of_failures_and_recovers_at_once() -> None:
    found = check(failures=2)
    found.record(None)
    found.record("no")
    assert found.ok
    found.record("no")
    assert (found.ok, found.message) == (False, "no")
    found.record(None)
    assert (found.ok, found.message) == (True, "ok")


def test_one_that_never_succeeded_tells_why_at_once() -> None:
    found = check(failures=3)
    assert found.message == "not checked yet"
    found.record("refused")
    assert found.message == "refused"


def test_the_delay_may_depend_on_the_outcome() -> None:
    found = check(delay=lambda ok: 60.0 if ok else 10.0)
    found.record("no")
    assert found.next_delay() == 10.0
    found.record(None)
    assert found.next_delay() == 60.0


async def test_probes_run_in_the_background_and_their_words_are_shown() -> None:
    state = {"up": True}

    async def probe() -> None:
        if not state["up"]:
            raise ProviderUnreachable("The model does not answer.")

    found = Check("model", probe, interval=0.001)
    health = Health([found])
    async with health.running():
        health.started = True
        await eventually(lambda: health.ready)
        state["up"] = False
        await eventually(lambda: not health.ready)
        assert health.listed() == [{"name": "model", "ok": False, "message": "The model does not answer."}]
        state["up"] = True
        await eventually(lambda: health.ready)
    assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("check-")]


async def test_a_probe_is_bounded_and_a_broken_one_is_no_end_of_the_checks() -> None:
    calls = 0

    async def probe() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ZeroDivisionError
        await asyncio.Event().wait()

    found = Check("model", probe, interval=0.001, timeout=0.01)
    async with Health([found]).running():
        await eventually(lambda: calls >= 3)
    assert found.message == "no answer within 0.01 s"


def test_liveness_follows_finished_probes_not_good_ones() -> None:
    found = check()
    health = Health([found])
    found.record("down")
    assert health.live
    found.finished_at = time.monotonic() - found.interval - found.timeout - STUCK_SECONDS - 1
    assert not health.live


def test_starting_and_draining_are_not_ready_and_say_so() -> None:
    health = Health()
    assert (health.ready, health.listed()[0]["message"]) == (False, "still starting")
    health.started = True
    assert health.ready
    health.draining = True
    assert (health.ready, health.listed()[0]["name"]) == (False, "draining")


@pytest.mark.parametrize("required", [True, False])
def test_an_optional_check_does_not_count(required: bool) -> None:
    found = check(required=required)
    found.record("down")
    health = Health([found])
    health.started = True
    assert health.ready is not required
