"""The process as it is started, with the network cut."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.laptop, pytest.mark.timeout(180)]

ROOT = Path(__file__).resolve().parents[3]


def test_a_turn_needs_no_network_and_a_signal_ends_it(tmp_path: Path) -> None:
    command = ["scripts/offline.sh", sys.executable, "-m", "tests.unit.talk_local.offline_turn"]
    environ = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    turn = json.loads(done.stdout)
    assert turn["interfaces"] == ["lo"]
    assert turn["heard"].lower().startswith("how do plants")
    assert turn["answer"].strip()
    assert turn["exit"] in (0, -15)
    assert list(tmp_path.glob("talk-llm-*")) == []
