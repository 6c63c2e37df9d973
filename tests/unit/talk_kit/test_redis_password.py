"""The program that writes the password of an agent's user, as the pod runs it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from talk_kit.redis_settings import RedisSettings
from talk_kit.redis_users import user_password
from talk_kit.settings import SettingsError, load


def write(file: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "talk_kit.redis_password", "talk", "assistant", str(file)]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=30)


def test_a_pods_second_start_writes_it_again(tmp_path: Path) -> None:
    file = tmp_path / "password"
    for secret in ("first", "second"):
        assert write(file, TALK_REDIS_PASSWORD=secret).returncode == 0
        assert file.read_text() == user_password(secret, "talk", "assistant")
        assert file.stat().st_mode & 0o777 == 0o444
    assert [each.name for each in tmp_path.iterdir()] == ["password"]


def test_without_a_password_it_says_so(tmp_path: Path) -> None:
    ended = write(tmp_path / "password")
    assert ended.returncode == 1
    assert ended.stderr == "talk: TALK_REDIS_PASSWORD is not set.\n"


def test_it_imports_nothing_but_the_standard_library() -> None:
    script = (
        "import sys, talk_kit.redis_password\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "print(sorted(names - set(sys.stdlib_module_names) - {'__main__', 'talk_kit'}))"
    )
    # Without the `.pth` files of this environment, which import on their own.
    folder = Path(__file__).parents[3] / "services"
    shown = subprocess.run([sys.executable, "-S", "-c", script], env={"PYTHONPATH": str(folder)}, capture_output=True)
    assert shown.stdout == b"[]\n", shown.stderr


def redis_password(**environ: str) -> str:
    address = load(RedisSettings, {"TALK_REDIS_HOST": "h", **environ}).redis()
    assert address is not None
    return address.password


def test_a_password_may_be_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("hunter2\n")
    assert redis_password(TALK_REDIS_PASSWORD_FILE=str(tmp_path / "p")) == "hunter2"


def test_a_file_that_is_of_no_use_is_told_without_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("hunter2")
    (tmp_path / "empty").write_text("\n")
    cases = {
        "both set": {"TALK_REDIS_PASSWORD": "x", "TALK_REDIS_PASSWORD_FILE": str(tmp_path / "p")},
        "cannot be read: FileNotFoundError": {"TALK_REDIS_PASSWORD_FILE": str(tmp_path / "missing")},
        "is empty": {"TALK_REDIS_PASSWORD_FILE": str(tmp_path / "empty")},
    }
    for told, environ in cases.items():
        with pytest.raises(SettingsError, match=told) as refused:
            redis_password(**environ)
        assert "hunter2" not in str(refused.value)
