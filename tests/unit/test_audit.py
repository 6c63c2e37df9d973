"""`make audit`: a finding, none, and a database that could not be asked are three answers."""

from __future__ import annotations

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts import audit
from scripts.audit import CouldNotAsk, Finding, Ignored, counted, ignored, of_npm_audit, of_pip_audit

TODAY = datetime.date(2026, 11, 25)
FOUND = Finding("jinja2", "3.1.0", frozenset({"PYSEC-1", "GHSA-aaaa"}), "fixed in 3.1.6")


def pip_audit(*packages: dict[str, Any]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def npm_audit(**vulnerabilities: Any) -> str:
    return json.dumps({"auditReportVersion": 2, "vulnerabilities": vulnerabilities, "metadata": {}})


SAFE = {"name": "httpx", "version": "0.28.1", "vulns": []}
UNSAFE = {
    "name": "jinja2",
    "version": "3.1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["GHSA-aaaa"], "fix_versions": ["3.1.6"], "description": "..."}],
}
SKIPPED = {"name": "joe", "skip_reason": "Dependency not found on PyPI and could not be audited: joe (1.0.0)"}


def test_pip_audits_findings_are_read_with_all_their_names() -> None:
    assert of_pip_audit(pip_audit(SAFE)) == []
    assert of_pip_audit(pip_audit(SAFE, UNSAFE)) == [FOUND]


@pytest.mark.parametrize("written", ["", "[]", "{}", pip_audit(), pip_audit(SAFE, SKIPPED), "Traceback"])
def test_a_package_that_the_database_does_not_answer_for_is_no_all_clear(written: str) -> None:
    with pytest.raises(CouldNotAsk, match=r"pypi\.org"):
        of_pip_audit(written)


def test_npms_findings_are_read_once_each() -> None:
    cause = {"url": "https://github.com/advisories/GHSA-bbbb", "title": "Prototype pollution", "source": 1}
    written = npm_audit(
        vite={"range": "<8.1", "via": ["rollup", cause]},
        rollup={"range": "<4", "via": [cause | {"url": "https://github.com/advisories/GHSA-cccc"}]},
    )
    assert of_npm_audit(npm_audit()) == []
    assert [str(found) for found in of_npm_audit(written)] == [
        "vite <8.1: GHSA-bbbb (Prototype pollution)",
        "rollup <4: GHSA-cccc (Prototype pollution)",
    ]


@pytest.mark.parametrize(
    "written", ["", "null", json.dumps({"message": "405 Method Not Allowed", "statusCode": 405}), '{"error": {}}']
)
def test_a_registry_without_an_audit_is_no_finding(written: str) -> None:
    with pytest.raises(CouldNotAsk, match=r"registry\.npmjs\.org"):
        of_npm_audit(written)


@pytest.mark.parametrize(
    ("name", "until", "left"),
    [
        ("GHSA-aaaa", TODAY, []),
        ("PYSEC-1", TODAY + datetime.timedelta(days=1), []),
        ("GHSA-aaaa", TODAY - datetime.timedelta(days=1), [FOUND]),
        ("GHSA-other", TODAY, [FOUND]),
    ],
)
def test_an_entry_covers_its_advisory_until_its_day(name: str, until: datetime.date, left: list[Finding]) -> None:
    assert list(counted([FOUND], [Ignored(name, "not reached", until)], TODAY)) == left


@pytest.mark.parametrize("missing", ["id", "reason", "until"])
def test_an_entry_needs_a_reason_and_a_day(missing: str) -> None:
    fields = {"id": '"GHSA-aaaa"', "reason": '"not reached"', "until": "2026-12-31"}
    written = "[[ignored]]\n" + "\n".join(f"{key} = {value}" for key, value in fields.items() if key != missing)
    with pytest.raises(ValueError, match="needs `id`, `reason` and `until`"):
        ignored(written)


def test_the_list_that_is_shipped_is_whole_and_short_lived() -> None:
    for each in ignored(audit.IGNORED.read_text("utf-8")):
        assert each.until <= datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=92), each.name


@pytest.mark.parametrize(
    ("python", "page", "code"),
    [
        (pip_audit(SAFE), npm_audit(), 0),
        (pip_audit(UNSAFE), npm_audit(), 1),
        (pip_audit(SKIPPED), npm_audit(), 2),
        (pip_audit(SAFE), '{"message": "405"}', 2),
        # What was found counts more than what could not be asked.
        (pip_audit(UNSAFE), '{"message": "405"}', 1),
    ],
)
def test_the_exit_code_tells_the_three_apart(
    python: str,
    page: str,
    code: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, written in (("pip-audit", python), ("npm", page)):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{written}\nEND\nexit 1\n")
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(sys, "argv", ["audit", "--requirements", "r.txt", "--", str(tmp_path / "pip-audit")])
    assert audit.main() == code
    assert ("could not ask" in capsys.readouterr().err) is ("405" in page or "skip_reason" in python)


def test_a_tool_that_hangs_or_is_not_there_could_not_ask(tmp_path: Path) -> None:
    with pytest.raises(CouldNotAsk, match=r"no answer within 0.1 s"):
        audit._run(["/bin/sleep", "60"], tmp_path, "pypi.org", 0.1)
    with pytest.raises(CouldNotAsk, match="No such file"):
        audit._run([str(tmp_path / "nothing")], tmp_path, "pypi.org", 1)
