"""The two files of the gateway's key: made once, kept, and never given away together."""

from __future__ import annotations

from pathlib import Path

import pytest

from talk_kit.identity import Identity, PublicKeys, read_signer
from talk_kit.identity_pair import ensure_pair, main


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    for folder in ("private", "public"):
        (tmp_path / folder).mkdir()
    return tmp_path / "private/identity.pem", tmp_path / "public/identity.pub"


def test_what_one_signs_the_other_checks(files: tuple[Path, Path]) -> None:
    ensure_pair(*files)
    identity = Identity("alice", "assistant", "s1")
    token = read_signer(files[0]).sign(identity, 100.0)
    assert PublicKeys(files[1]).current(100.0).arrived(token, "assistant", 100.0) == identity
    assert b"PRIVATE" not in files[1].read_bytes()
    assert files[0].stat().st_mode & 0o777 == 0o600
    assert [path.name for path in files[0].parent.iterdir()] == ["identity.pem"]


def test_a_stack_that_starts_again_keeps_its_key_and_mends_the_public_one(files: tuple[Path, Path]) -> None:
    assert main([str(path) for path in files]) == 0
    before = [path.read_bytes() for path in files]
    files[1].unlink()
    assert main([str(path) for path in files]) == 0
    assert [path.read_bytes() for path in files] == before
    assert files[0].stat().st_mode & 0o777 == 0o644


def test_what_is_no_key_is_told_and_kept(files: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    files[0].write_text("hunter2")
    assert main([str(path) for path in files]) == 1
    assert files[0].read_text() == "hunter2"
    assert not files[1].exists()
    assert "hunter2" not in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["one"], ["/nowhere/at/all/a", "/nowhere/at/all/b"]])
def test_wrong_use_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) > 0
    assert capsys.readouterr().err
