"""`make audit`: known vulnerabilities of what uv.lock and package-lock.json pin.

Exit codes: 0 nothing known, 1 a finding, 2 a database could not be asked, so that nothing is known about some packages.
A finding that does not concern Talk goes into scripts/audit_ignored.toml with its reason and the day it counts again.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
IGNORED = Path(__file__).with_name("audit_ignored.toml")
FOUND, NOT_ASKED = 1, 2
PYPI, NPM = "pypi.org", "registry.npmjs.org"


class CouldNotAsk(Exception):
    """A database gave no answer about all packages: that is no finding, and no all-clear either."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One advisory about one package, by all the names it is known under."""

    package: str
    version: str
    names: frozenset[str]
    remedy: str

    def __str__(self) -> str:
        return f"{self.package} {self.version}: {', '.join(sorted(self.names))} ({self.remedy})"


@dataclass(frozen=True, slots=True)
class Ignored:
    """An advisory that is known not to concern Talk, until a day."""

    name: str
    reason: str
    until: datetime.date


def of_pip_audit(written: str) -> list[Finding]:
    """Findings in pip-audit's JSON. Raises CouldNotAsk when it has no answer about some package: it exits 0 then."""
    packages = _object(written, PYPI).get("dependencies") or ()
    unknown = [each["name"] for each in packages if "vulns" not in each]
    if unknown or not packages:
        raise CouldNotAsk(f"{PYPI} about {len(unknown)} of {len(packages)} Python packages ({_some(unknown)})")
    return [
        Finding(each["name"], each["version"], frozenset((found["id"], *found.get("aliases", ()))), _fixed_in(found))
        for each in packages
        for found in each["vulns"]
    ]


def of_npm_audit(written: str) -> list[Finding]:
    """Findings in npm's JSON; it has no list of vulnerabilities when its registry did not answer."""
    told = _object(written, NPM)
    if (vulnerable := told.get("vulnerabilities")) is None:
        raise CouldNotAsk(
            f"{NPM} about the page's packages ({told.get('message') or told.get('error') or 'no answer'})"
        )
    # `via` holds names where a package is vulnerable by another one only, which has a row of its own.
    return [
        Finding(name, each["range"], frozenset({cause["url"].rpartition("/")[2]}), cause["title"])
        for name, each in vulnerable.items()
        for cause in each["via"]
        if isinstance(cause, dict)
    ]


def ignored(written: str) -> list[Ignored]:
    """The list of audit_ignored.toml. Raises ValueError for an entry without a reason or a day."""
    entries = []
    for each in tomllib.loads(written).get("ignored", ()):
        name, reason, until = (each.get(field) for field in ("id", "reason", "until"))
        if not name or not reason or type(until) is not datetime.date:
            raise ValueError(f"{IGNORED.name}: {name or 'an entry'} needs `id`, `reason` and `until` (a date)")
        entries.append(Ignored(name, reason, until))
    return entries


def counted(findings: Iterable[Finding], list_: Sequence[Ignored], today: datetime.date) -> Iterator[Finding]:
    """Findings that no entry covers; an entry covers until its day, that day included."""
    covered = {each.name for each in list_ if each.until >= today}
    return (found for found in findings if not found.names & covered)


def main() -> int:
    """Asks both databases, whatever the first one says, so that one run shows everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requirements", type=Path, required=True, help="what uv.lock pins, with hashes")
    parser.add_argument("--seconds", type=float, default=300.0, help="that one database may take")
    parser.add_argument("pip_audit", nargs="+", help="after `--`: the command that runs pip-audit")
    given = parser.parse_args()
    of_python = [*given.pip_audit, "--requirement", str(given.requirements), "--disable-pip", "--require-hashes"]
    asked: Mapping[str, Callable[[], list[Finding]]] = {
        "Python": lambda: of_pip_audit(_run([*of_python, "--format", "json"], ROOT, PYPI, given.seconds)),
        "the page": lambda: of_npm_audit(_run(["npm", "audit", "--json"], ROOT / "services/web", NPM, given.seconds)),
    }
    list_, today = ignored(IGNORED.read_text("utf-8")), datetime.datetime.now(datetime.UTC).date()
    codes = {_report(what, ask, list_, today) for what, ask in asked.items()}
    return FOUND if FOUND in codes else max(codes)


def _report(what: str, ask: Callable[[], list[Finding]], list_: Sequence[Ignored], today: datetime.date) -> int:
    try:
        findings = ask()
    except CouldNotAsk as error:
        print(f"make audit: could not ask {error}: nothing is known about them", file=sys.stderr)
        return NOT_ASKED
    open_ = list(counted(findings, list_, today))
    for found in open_:
        print(f"make audit: {found}", file=sys.stderr)
    print(f"make audit: {what}: {len(open_)} found, {len(findings) - len(open_)} ignored")
    return FOUND if open_ else 0


def _run(command: Sequence[str], folder: Path, service: str, seconds: float) -> str:
    """What it printed, whatever its exit code: both tools exit 1 for a finding and for a network that is not there."""
    try:
        done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=seconds)  # noqa: S603
    except subprocess.TimeoutExpired:
        raise CouldNotAsk(f"{service} (no answer within {seconds:g} s)") from None
    except OSError as error:
        raise CouldNotAsk(f"{service} ({error})") from None
    if not done.stdout.strip():
        raise CouldNotAsk(f"{service} ({_last_line(done.stderr)})")
    return done.stdout


def _object(written: str, service: str) -> dict[str, Any]:
    try:
        told = json.loads(written)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise CouldNotAsk(f"{service} (its answer is no JSON object)")
    return told


def _fixed_in(found: Mapping[str, Any]) -> str:
    return f"fixed in {', '.join(versions)}" if (versions := found.get("fix_versions")) else "no fixed version yet"


def _some(names: Sequence[str], most: int = 5) -> str:
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _last_line(text: str) -> str:
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no answer")


if __name__ == "__main__":
    sys.exit(main())
