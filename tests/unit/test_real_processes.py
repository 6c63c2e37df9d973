"""The gateway, an agent and Redis as real processes, under a model that breaks.

`make soak` looks at what long loads and callers who go leave over, `make chaos` breaks more.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.chaos.stack import stack

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(240)]


def test_callers_of_a_broken_llm_have_all_their_turns_in_the_end(tmp_path: Path) -> None:
    with stack(tmp_path) as up:
        up.faults(llm="reset")
        up.start(text=2, voice=3, pause=0.05)
        until(lambda: up.seen()["failures"] >= 5)
        up.faults()
        until(lambda: up.seen()["good"] >= 10)
        report = up.stop()
        difference = up.difference(report)
    assert report["failed"] == report["retried_well"] >= 5
    assert not difference


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
