"""The runbook has what each alert needs, and no section of an alert that is gone."""

from __future__ import annotations

import re

import pytest

from tests.monitoring.alerts import ROOT, alerts

PAGE = (ROOT / "docs/runbook.md").read_text()
SECTIONS = dict(re.findall(r"^### (Talk\w+)\n((?:(?!^#).*\n)*)", PAGE, re.MULTILINE))


def test_sections_and_alerts_are_the_same() -> None:
    assert SECTIONS.keys() == {alert.name for alert in alerts()}


@pytest.mark.parametrize("name", SECTIONS)
def test_a_section_says_what_users_feel_what_to_see_and_do_and_when_it_is_over(name: str) -> None:
    found = re.findall(r"^\*\*(.+?)\*\*", SECTIONS[name], re.MULTILINE)
    assert found == ["Users feel", "See", "Do", "Over"]


def test_its_links_resolve() -> None:
    anchors = {
        re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in re.findall(r"^#+ (.+)$", PAGE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= anchors
    for path in re.findall(r"\]\(([^#)]+)\)", PAGE):
        assert (ROOT / "docs" / path).exists()


def test_what_it_calls_by_name_is_on_a_dashboard() -> None:
    boards = "".join(file.read_text() for file in (ROOT / "dashboards").glob("*.json"))
    for section in SECTIONS.values():
        (seen,) = re.findall(r"^\*\*See\*\*(.*(?:\n(?!\n).*)*)", section, re.MULTILINE)
        for board, title in re.findall(
            r"(Overview|Agents|Providers|Sessions|Processes|Operator|HTTP), \*([^*]+)\*", seen
        ):
            assert f'"title": "{title}' in boards, f"{board}: {title}"
