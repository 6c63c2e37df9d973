"""Two commands at a time: both are seen whole, and either's failure is one."""

from __future__ import annotations

import subprocess

import pytest

from scripts.licences import ROOT


@pytest.mark.parametrize(
    ("first", "second", "code"),
    [("true", "true", 0), ("exit 3", "true", 3), ("true", "exit 4", 4), ("exit 3", "exit 4", 4)],
)
def test_both_are_shown_and_either_fails_both(first: str, second: str, code: int) -> None:
    commands = [f"echo first; {first}", f"echo second; {second}"]
    done = subprocess.run(
        [ROOT / "scripts/beside.sh", *commands], capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.stdout, done.returncode) == ("second\nfirst\n", code)
