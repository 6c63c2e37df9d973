"""`talk keys` as people run it."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from talk_cli.__main__ import main
from talk_kit.api_keys import find, parse_keys


def create(file: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["keys", "create", "--file", str(file), *arguments]) == 0
    return capsys.readouterr().out.strip()


def test_a_key_is_printed_once_and_kept_as_a_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.json"
    key = create(file, capsys, "alice", "--agent", "viva_examiner", "--expires", "90d", "--requests-per-minute", "30")
    assert key not in file.read_text("utf-8")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    found = find(parse_keys(file.read_bytes()), key, datetime.now(UTC))
    assert found is not None
    assert (found.name, found.agents, found.limits.requests_per_minute) == ("alice", ("viva-examiner",), 30)
    assert found.expires is not None
    assert (found.expires - datetime.now(UTC)).days in (89, 90)
    assert main(["keys", "list", "--file", str(file)]) == 0
    listed = capsys.readouterr().out
    assert f"alice  {found.id}  viva-examiner  ends " in listed
    assert "30 requests/minute" in listed
    assert key not in listed
    assert found.sha256 not in listed


def test_one_of_two_keys_of_a_name_is_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.json"
    old, new = create(file, capsys, "alice"), create(file, capsys, "alice")
    now = datetime.now(UTC)
    first = find(parse_keys(file.read_bytes()), old, now)
    assert first is not None
    assert main(["keys", "revoke", "alice", "--id", first.id, "--file", str(file)]) == 0
    keys = parse_keys(file.read_bytes())
    assert find(keys, old, now) is None
    assert find(keys, new, now) is not None
    assert main(["keys", "revoke", "nobody", "--file", str(file)]) == 1
    assert "has no key of nobody" in capsys.readouterr().err


def test_the_file_becomes_a_secret(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.json"
    key = create(file, capsys, "alice")
    assert main(["keys", "secret", "--name", "callers", "--namespace", "talk", "--file", str(file)]) == 0
    printed = capsys.readouterr().out
    secret = orjson.loads(printed)
    assert secret["metadata"]["name"] == "callers"
    assert parse_keys(secret["stringData"]["keys.json"].encode())[0].name == "alice"
    assert key not in printed


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["create", "../alice"], "a name has 1 to 64"),
        (["create", "alice", "--expires", "soon"], "--expires is a time"),
        (["list"], "there is no file"),
        (["secret"], "there is no file"),
    ],
)
def test_what_cannot_be_done_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], told: str
) -> None:
    assert main(["keys", *arguments, "--file", str(tmp_path / "keys.json")]) == 1
    assert told in capsys.readouterr().err


def test_a_file_that_is_no_key_file_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "keys.json"
    file.write_text("talk_canary", "utf-8")
    assert main(["keys", "create", "alice", "--file", str(file)]) == 1
    captured = capsys.readouterr()
    assert "the file is no JSON" in captured.err
    assert captured.out == ""
    assert "canary" not in captured.err
    assert file.read_text("utf-8") == "talk_canary"
