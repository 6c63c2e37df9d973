from __future__ import annotations

import pytest

from talk_agent.slots import Slots
from talk_kit.errors import RateLimited


def test_one_more_than_there_are_slots_is_refused_at_once() -> None:
    slots = Slots(2)
    with slots.take(), slots.take():
        with pytest.raises(RateLimited) as limited, slots.take():
            pytest.fail("three turns in two slots")
        assert limited.value.retry_after
        assert slots.taken == 2

    assert slots.taken == 0


def test_a_failed_turn_gives_its_slot_back() -> None:
    slots = Slots(1)
    with pytest.raises(ZeroDivisionError), slots.take():
        raise ZeroDivisionError
    with slots.take():
        assert slots.taken == 1
