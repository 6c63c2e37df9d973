"""Each test has a namespace of its own; when it fails, what was there is kept in test-results/e2e/."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator

import pytest

from tests.e2e.cluster import Namespace, run

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Remembers whether a test, or what it needed, failed."""
    report = yield
    if report is not None and report.failed:
        item.stash[_FAILED] = True
        for parent in item.listchain():
            parent.stash[_FAILED] = True
    return report


@pytest.fixture(scope="session", autouse=True)
def cluster() -> None:
    """There is a cluster."""
    if not os.environ.get("KUBECONFIG"):
        pytest.fail("set KUBECONFIG: these tests need a cluster")
    run("kubectl", "version", "--request-timeout=10s")


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
    made = Namespace(f"e2e-{slug}-{secrets.token_hex(2)}")
    run("kubectl", "create", "namespace", made.name)
    run("kubectl", "label", "namespace", made.name, "pod-security.kubernetes.io/enforce=restricted")
    yield made
    failed = request.node.stash.get(_FAILED, False)
    if failed:
        print(f"evidence: {made.keep_evidence(request.node.nodeid)}")
    if not os.environ.get("TALK_TEST_KEEP"):
        for release in made.helm("list", "-q", check=False).split():
            made.helm("uninstall", release, "--wait", check=False)
        run("kubectl", "delete", "namespace", made.name, "--wait=false")
