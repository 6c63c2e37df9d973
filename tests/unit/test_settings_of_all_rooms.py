"""Settings are one vocabulary: each room refuses what no room knows, and the reference lists all."""

from __future__ import annotations

import pytest

from scripts.settings_reference import ROOMS, ROOT, example, reference, settings_class
from talk_kit._setting_names import KNOWN_NAMES
from talk_kit.settings import declared_settings, setting_names


def test_the_known_names_are_those_that_a_room_reads() -> None:
    read = frozenset().union(*(setting_names(settings_class(module)) for module in ROOMS.values()))
    assert {name for name in read if name.startswith("TALK_")} == KNOWN_NAMES


def test_the_reference_and_the_example_are_current() -> None:
    assert (ROOT / "docs/reference/settings.md").read_text() == reference()
    assert (ROOT / ".env.example").read_text() == example()


@pytest.mark.parametrize("module", ROOMS.values())
def test_each_setting_says_what_it_is_and_hides_what_is_secret(module: str) -> None:
    for declared in declared_settings(settings_class(module)):
        assert declared.metadata["doc"].endswith((".", "!"))
        name = declared.metadata["env"]
        named_secret = any(word in name for word in ("KEY", "PASSWORD", "SECRET")) and not name.endswith("_FILE")
        assert declared.metadata["secret"] or not named_secret
        assert declared.repr is not declared.metadata["secret"]
