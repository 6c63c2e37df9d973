"""Helm as a function: values in, objects out."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts/talk"
CASES = ROOT / "tests/cases/helm-values"
# Builds of helm believe in different ones where there is no cluster.
KUBERNETES = "1.34.0"
SCENARIOS = sorted((CHART / "ci").glob("*-values.yaml"))

Object = dict[str, Any]


class Refused(Exception):
    """Helm did not render; the text is what it said."""


@dataclass(frozen=True)
class Rendered:
    """The objects of a release."""

    text: str
    objects: list[Object]

    def all(self, kind: str) -> list[Object]:
        """Every object of a kind."""
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind: str, name: str) -> Object:
        """The object of that kind and name."""
        found = [each for each in self.all(kind) if each["metadata"]["name"] == name]
        assert len(found) == 1, f"{kind} {name}: {[each['metadata']['name'] for each in self.all(kind)]}"
        return found[0]

    def pods(self) -> Iterator[tuple[str, Object, Object]]:
        """Name, metadata and spec of every pod and pod template."""
        for each in self.objects:
            if each["kind"] == "Pod":
                yield each["metadata"]["name"], each["metadata"], each["spec"]
            elif each["kind"] in ("Deployment", "StatefulSet", "Job"):
                template = each["spec"]["template"]
                yield each["metadata"]["name"], template["metadata"], template["spec"]


def helm(*arguments: str, stdin: str | None = None) -> str:
    """What helm prints, or Refused with its complaint."""
    program = shutil.which("helm")
    if program is None:
        pytest.fail("helm is not on PATH; `make tools` finds or brings it")
    done = subprocess.run([program, *arguments], input=stdin, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode:
        raise Refused(done.stderr + done.stdout)
    return done.stdout


def render(*arguments: str | Path, release: str = "talk", values: Path | Object | None = None) -> Rendered:
    """`helm template` with a values file or values."""
    given, stdin = [str(each) for each in arguments], None
    if isinstance(values, Path):
        given += ["-f", str(values)]
    elif values is not None:
        given, stdin = [*given, "-f", "-"], json.dumps(values)
    where = ["--kube-version", KUBERNETES, "--namespace", "voice"]
    text = helm("template", *where, release, str(CHART), *given, stdin=stdin)
    return Rendered(text, [each for each in YAML(typ="safe").load_all(text) if each])


def environment(container: Object) -> dict[str, Any]:
    """Variables of a container, their value or where it is from."""
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container.get("env", [])}


def rooms(rendered: Rendered) -> dict[str, Object]:
    """The first container of every pod, by the name of its owner."""
    return {name: spec["containers"][0] for name, _, spec in rendered.pods()}
