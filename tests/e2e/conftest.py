"""Each test has a namespace of its own; when it fails, what was there is kept in test-results/e2e/."""

from __future__ import annotations

import json
import os
import re
import secrets
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest

from tests.e2e import crd
from tests.e2e.attacks import Ran, Tell, happened, shown
from tests.e2e.cluster import EVIDENCE, Namespace, run
from tests.e2e.rig import Row, table
from tests.e2e.served import Served

PREFIX = "e2e-"
_FAILED = pytest.StashKey[bool]()
_ROWS = pytest.StashKey[list[Row]]()
_TOLD = pytest.StashKey[list[str]]()
_RAN = pytest.StashKey[dict[str, list[Ran]]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remembers whether a test, or what it needed, failed."""
    report = yield
    if report is not None and report.failed:
        item.stash[_FAILED] = True
        for parent in item.listchain():
            parent.stash[_FAILED] = True
    if report is not None and (report.failed or report.when == "call"):
        test = item.nodeid.partition("[")[0]
        ran = item.config.stash.setdefault(_RAN, {})
        ran.setdefault(test, []).append(Ran(not report.failed, item.stash.get(_TOLD, [])))
    return report


@pytest.fixture(scope="session", autouse=True)
def cluster() -> None:
    """There is a cluster, and it knows TalkAgents."""
    if not os.environ.get("KUBECONFIG"):
        pytest.fail("set KUBECONFIG: these tests need a cluster")
    run("kubectl", "version", "--request-timeout=10s")
    if not crd.there():
        crd.brought_by_the_chart(f"{PREFIX}crd-{secrets.token_hex(2)}")
    crd.applied()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take a node away come after those that share it; tests marked `last` look at what all others did."""
    late = ("two_nodes", "last")
    items.sort(key=lambda item: [item.get_closest_marker(name) is not None for name in reversed(late)])


@pytest.fixture(scope="session")
def fault_rows(pytestconfig: pytest.Config) -> list[Row]:
    """The lines of the table of faults, which is printed at the end."""
    return pytestconfig.stash.setdefault(_ROWS, [])


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Tell:
    """Keeps what a test of the list of attacks saw, for the list."""
    told: list[str] = request.node.stash.setdefault(_TOLD, [])
    return told.append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The tables of faults and of attacks, for people, and as JSON in test-results/."""
    if rows := config.stash.get(_ROWS, []):
        _show(terminalreporter, "faults", table(rows), [asdict(row) for row in rows])
    ran: dict[str, list[Ran]] = config.stash.get(_RAN, {})
    if tried := happened(ran):
        _show(terminalreporter, "attacks", shown(tried), tried)


def _show(reporter: pytest.TerminalReporter, name: str, text: str, rows: list[dict[str, Any]]) -> None:
    reporter.section(name)
    reporter.write_line(text)
    EVIDENCE.mkdir(parents=True, exist_ok=True)
    (EVIDENCE / f"{name}.json").write_text(json.dumps(rows, indent=1))


@pytest.fixture(scope="session")
def served(request: pytest.FixtureRequest) -> Iterator[Served]:
    """One release for every module that only looks, or adds TalkAgents and removes them again."""
    made, ready = Served.create(PREFIX), False
    try:
        made.install()
        ready = True
        yield made
    finally:
        for namespace in made.all:
            if not ready or request.session.stash.get(_FAILED, False):
                print(f"evidence: {namespace.keep_evidence(namespace.name)}")
            if not os.environ.get("TALK_TEST_KEEP"):
                namespace.delete()


@pytest.fixture(scope="module")
def shared_namespace(request: pytest.FixtureRequest) -> Iterator[Namespace]:
    """One for the tests of a module that only look."""
    yield from _namespace(request)


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> Iterator[Namespace]:
    """One for a test."""
    yield from _namespace(request)


def _namespace(request: pytest.FixtureRequest) -> Iterator[Namespace]:
    slug = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removesuffix(".py")).strip("-")[:40].strip("-")
    _give_back_volumes()
    made = Namespace.create(f"{PREFIX}{slug}-{secrets.token_hex(2)}")
    yield made
    failed = request.node.stash.get(_FAILED, False)
    if failed:
        print(f"evidence: {made.keep_evidence(request.node.nodeid)}")
    if not os.environ.get("TALK_TEST_KEEP"):
        made.delete()
        _give_back_volumes()


def _give_back_volumes() -> None:
    """Volumes that no claim holds any more and that nothing recycles: those that tests of gone namespaces had."""
    for volume in json.loads(run("kubectl", "get", "pv", "-o", "json"))["items"]:
        claim = volume["spec"].get("claimRef", {}).get("namespace", "")
        if volume["status"]["phase"] == "Released" and claim.startswith(PREFIX):
            patch = ["--type=json", '-p=[{"op": "remove", "path": "/spec/claimRef"}]']
            run("kubectl", "patch", "pv", volume["metadata"]["name"], *patch, check=False)
