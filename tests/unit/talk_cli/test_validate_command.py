"""`talk validate` as people run it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from talk_cli.__main__ import main

CASES = Path(__file__).parents[2] / "cases" / "talkagents"


def case(number: str) -> str:
    (file,) = CASES.glob(f"{number}-*.yaml")
    return str(file)


def test_each_document_has_its_number_and_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", case("T11")]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("document 1 (first): TalkAgent: ok")
    assert second.endswith("document 2 (second): TalkAgent: ok")


def test_errors_have_line_column_and_field(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", case("T19"), case("T18"), case("T01")]) == 1
    captured = capsys.readouterr()
    assert f"{case('T19')}:12:13: document 1 (wrong-types): spec.replicas" in captured.out
    assert f"{case('T18')}:12:11: document 1 (near-miss-field): unknown field spec.voice.enable" in captured.out
    assert f"{case('T01')}: document 1 (minimal): TalkAgent: ok" in captured.out
    assert captured.err == "5 errors\n"


def test_warnings_are_told_and_are_no_failure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", case("T36")]) == 0
    assert "warning: AgentNotFound: no agent named nobody" in capsys.readouterr().out


def test_json_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "--output", "json", case("T20")]) == 1
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is False
    (problem,) = report["problems"]
    assert (problem["path"], problem["line"], problem["severity"]) == ("spec.voice.language", 12, "error")
    assert report["documents"] == [{"file": case("T20"), "document": 1, "kind": "TalkAgent", "name": "norway"}]


def test_a_parser_error_is_told_without_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", case("T27")]) == 1
    captured = capsys.readouterr()
    assert f"{case('T27')}:8:1: document 1:" in captured.out
    assert "Traceback" not in captured.out + captured.err


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(Path(case("T01")).read_bytes())))
    assert main(["validate", "-"]) == 0
    assert capsys.readouterr().out.startswith("<stdin>: document 1 (minimal)")


@pytest.mark.parametrize("arguments", [["--help"], ["version"]])
def test_the_command_starts_without_the_heavy_libraries(arguments: list[str]) -> None:
    code = (
        "import sys, talk_cli.__main__ as command\n"
        "try: command.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(sorted({'httpx', 'jsonschema', 'ruamel', 'starlette', 'structlog', 'asyncio'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_no_command_is_told_which_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "usage: talk" in capsys.readouterr().err


def test_the_examples_are_valid(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", str(Path(__file__).parents[3] / "examples")]) == 0
    out = capsys.readouterr().out
    assert "warning" not in out
    for name in ("assistant", "viva-examiner", "travel-planner", "local-guide"):
        assert f"({name}): TalkAgent: ok" in out


@pytest.fixture
def asks(tmp_path: Path) -> str:
    """A TalkAgent with an image of its own."""
    file = tmp_path / "agent.yaml"
    file.write_text(
        "apiVersion: talk.dwani.ai/v1alpha1\nkind: TalkAgent\nmetadata: {name: parrot}\n"
        "spec:\n  instruction: Repeat.\n  image: registry.example.com/agents/parrot:1.0\n"
    )
    return str(file)


def test_with_the_platforms_values_what_it_does_not_allow_is_an_error(
    asks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.yaml"
    assert main(["validate", asks]) == 0
    values.write_text("authors: {images: [registry.example.com/agents]}")
    assert main(["validate", "--values", str(values), asks]) == 0
    values.write_text("redis: {enabled: false}")
    capsys.readouterr()
    assert main(["validate", "--values", str(values), asks]) == 1
    told = "agent.yaml:6:10: document 1 (parrot): spec.image registry.example.com/agents/parrot:1.0: the platform does"
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("text", ["authors: {images: ghcr.io}", "authors: [a]", "authors: {images: [1]}", "a: [", None])
def test_values_that_cannot_be_read_are_told(
    text: str | None, asks: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    values = tmp_path / "values.yaml"
    if text is not None:
        values.write_text(text)
    assert main(["validate", "--values", str(values), asks]) == 2
    assert str(values) in capsys.readouterr().err
