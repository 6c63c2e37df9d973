"""The reference page is the schema's."""

from __future__ import annotations

from pathlib import Path

from talk_kit.talkagent.reference import page
from talk_kit.talkagent.schema import schema

PAGE = Path(__file__).parents[4] / "docs" / "reference" / "talkagent.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m talk_kit.talkagent.reference > docs/reference/talkagent.md"


def test_each_field_of_the_spec_is_on_it() -> None:
    for name in schema()["properties"]["spec"]["properties"]:
        assert f"| `{name}` |" in page()
