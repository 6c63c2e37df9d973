"""The CRD belongs to one release; another takes it over as the notes say, and it outlives them all."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator

import pytest

from tests.docs.pages import page
from tests.e2e.cluster import CHART, ROOT, Namespace, run
from tests.e2e.crd import CRD, NO_PODS, disowned
from tests.e2e.served import Served

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def nobodys() -> Iterator[None]:
    """The CRD is of no release before and after each test."""
    disowned()
    yield
    disowned()


def owner() -> tuple[str, str]:
    """Release and namespace in the CRD's annotations."""
    found = json.loads(run("kubectl", "get", "crd", CRD, "-o", "json"))["metadata"].get("annotations", {})
    return found.get("meta.helm.sh/release-name", ""), found.get("meta.helm.sh/release-namespace", "")


def refusal(space: Namespace) -> str:
    """What helm says when the release asks for the CRD of somebody else."""
    command = ["helm", "-n", space.name, "install", "talk", str(CHART), "-f", "-", "--set", "crds.install=true"]
    done = subprocess.run(command, input=json.dumps(NO_PODS), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0, done.stdout
    return done.stderr


def uid(kind: str, name: str, space: Namespace | None = None) -> str:
    where = ["-n", space.name] if space else []
    return run("kubectl", *where, "get", kind, name, "-o", "jsonpath={.metadata.uid}")


def test_one_that_helm_did_not_make_is_taken_by_the_commands_of_the_refusal(
    namespace: Namespace, served: Served
) -> None:
    before = uid("crd", CRD), uid("talkagent", "assistant", served.release)
    said = refusal(namespace)
    assert "was not made by Helm" in said
    commands = re.search(r"give it to this release: (.+?)\s*$", said, re.MULTILINE)
    assert commands, said
    subprocess.run(["bash", "-c", commands[1]], check=True, capture_output=True, timeout=60)
    namespace.install("talk", "--set", "crds.install=true", values=NO_PODS)
    assert owner() == ("talk", namespace.name)
    namespace.helm("uninstall", "talk", "--wait")
    assert (uid("crd", CRD), uid("talkagent", "assistant", served.release)) == before


def test_one_that_a_gone_release_left_is_taken_by_the_command_of_the_page(namespace: Namespace) -> None:
    run("kubectl", "label", "--overwrite", "crd", CRD, "app.kubernetes.io/managed-by=Helm")
    given = ["meta.helm.sh/release-name=gone", "meta.helm.sh/release-namespace=elsewhere"]
    run("kubectl", "annotate", "--overwrite", "crd", CRD, *given)
    assert "belongs to the release gone in namespace elsewhere" in refusal(namespace)
    (command,) = [c for c in page(ROOT / "docs/how-to/upgrade.md").commands() if c.words[:2] == ("kubectl", "annotate")]
    swap = {"NAME": "talk", "NAMESPACE": namespace.name}
    run(*(re.sub(r"=(NAME|NAMESPACE)$", lambda found: f"={swap[found[1]]}", word) for word in command.words))
    namespace.install("talk", "--set", "crds.install=true", values=NO_PODS)
    assert owner() == ("talk", namespace.name)
