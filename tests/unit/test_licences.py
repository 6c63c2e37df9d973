"""What is loaded into Talk's processes, and under which licence."""

from __future__ import annotations

import pytest

from scripts.licences import COPYLEFT, PAGE, ROOMS, of_the_page, packages, rows


@pytest.mark.parametrize(
    ("written", "copyleft"),
    [
        ("GPL-3.0-only", True),
        ("AGPL-3.0", True),
        ("GNU General Public License v3 (GPLv3)", True),
        ("LGPL-2.1-or-later", False),
        ("GNU Lesser General Public License v3 (LGPLv3)", False),
        ("Apache-2.0", False),
    ],
)
def test_gpl_is_told_from_lgpl(written: str, copyleft: bool) -> None:
    assert bool(COPYLEFT.search(written)) is copyleft


def test_no_package_of_an_image_is_under_the_gpl_and_each_tells_its_licence() -> None:
    told = {name: written for name, written, _ in rows()} | dict(of_the_page())
    assert len(told) > 50
    assert not {name: written for name, written in told.items() if COPYLEFT.search(written)}
    assert "not told" not in told.values()


def test_the_page_lists_every_package_that_is_installed() -> None:
    page = PAGE.read_text("utf-8")
    assert not [name for name, written, rooms in rows() if f"| {name} | {written} | {rooms} |" not in page]


def test_the_page_lists_nothing_that_has_gone() -> None:
    pinned = {name for room in ROOMS for name in packages(room)} | {name for name, _ in of_the_page()}
    listed = [line.split(" | ")[0].removeprefix("| ") for line in PAGE.read_text("utf-8").splitlines() if " | " in line]
    assert set(listed) - {"package", "---"} <= pinned
