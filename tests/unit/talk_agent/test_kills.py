"""Kill -9 at random moments: what was acknowledged is there, once and in order.

TALK_TEST_KILLS=full runs 1,000 turns over 50 sessions.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fakes.storm import storm

FULL = os.environ.get("TALK_TEST_KILLS") == "full"
pytestmark = [pytest.mark.loopback, pytest.mark.timeout(1800 if FULL else 400)]


@pytest.mark.parametrize("where", ["agent", "redis"])
async def test_what_was_acknowledged_is_kept_once_and_in_order(where: str, tmp_path: Path) -> None:
    size = {"sessions": 50, "turns": 1_000, "kills": 20} if FULL else {"sessions": 6, "turns": 60, "kills": 2}

    outcome = await storm(where, folder=tmp_path, **size)

    assert outcome.acknowledged == size["turns"]
    assert (outcome.lost, outcome.duplicates, outcome.strange) == (0, 0, 0)
    assert outcome.in_order
