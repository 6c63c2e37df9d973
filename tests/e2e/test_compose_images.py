"""Each healthcheck of compose.yaml, run in its image: well while the service runs, not well without it."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from talk_kit.identity_pair import WHOEVER_MOUNTS, ensure_pair
from tests.e2e.cluster import ROOT, run, talk_image, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

SERVICES: dict[str, Any] = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())["services"]
# How a container is run where the images are, such as `docker run`.
RUN = shlex.split(os.environ.get("TALK_E2E_RUN", "")) or [shutil.which("podman") or "docker", "run"]
# The agents are alike.
CHOSEN = ["gateway", "assistant", "local", "redis"]


def value(text: str) -> str:
    """As compose reads it where no variable is set."""
    return re.sub(r"\$\{[A-Z_]+:?-([^}]*)\}", r"\1", text)


def options(service: dict[str, Any]) -> list[str]:
    """What compose would give to the container, without a network: names of others lead nowhere."""
    given = ["--network", "none", "--read-only", "--cap-drop", "ALL"]
    given += [part for each in service["tmpfs"] for part in ("--tmpfs", each)]
    given += [part for name, text in service.get("environment", {}).items() for part in ("-e", f"{name}={value(text)}")]
    for volume in service.get("volumes", []):
        source, rest = volume.split(":", 1)
        if source.startswith("identity-"):
            given += ["-v", f"{identity()}:{rest}"]
        else:
            given += ["-v", f"{ROOT / source}:{rest}"] if source.startswith(".") else ["--tmpfs", f"{rest}:mode=1777"]
    return given + (["--user", service["user"]] if "user" in service else [])


@cache
def identity() -> Path:
    """A folder with what the service of that name makes."""
    folder = Path(tempfile.mkdtemp(prefix="talk-e2e-identity-"))
    folder.chmod(0o755)
    ensure_pair(folder / "identity.pem", folder / "identity.pub", WHOEVER_MOUNTS)
    return folder


def image_of(service: dict[str, Any]) -> str:
    """The one that the tests built, or a public one."""
    target = service.get("build", {}).get("target")
    return talk_image(target) if target else value(service["image"])


@contextmanager
def running(service: dict[str, Any]) -> Iterator[str]:
    """A container of the service."""
    name = f"talk-e2e-{secrets.token_hex(4)}"
    program, *arguments = service.get("entrypoint", [""])
    entry = ["--entrypoint", program] if program else []
    run(*RUN, "-d", "--name", name, *options(service), *entry, image_of(service), *arguments)
    try:
        yield name
    finally:
        run(RUN[0], "rm", "-f", "-t", "0", name, check=False)


def check(service: dict[str, Any]) -> list[str]:
    """The healthcheck's command."""
    kind, *command = service["healthcheck"]["test"]
    assert kind == "CMD"
    return [str(word) for word in command]


def succeeds(*command: str) -> bool | None:
    """True, or None for another try."""
    return subprocess.run(command, capture_output=True, timeout=30, check=False).returncode == 0 or None


@pytest.mark.parametrize("name", CHOSEN)
def test_the_healthcheck_is_well_while_the_service_runs(name: str) -> None:
    service = SERVICES[name]
    with running(service) as container:
        try:
            until(f"{name} is well", lambda: succeeds(RUN[0], "exec", container, *check(service)), 60)
        except BaseException:
            print(run(RUN[0], "logs", container, check=False))
            raise


@pytest.mark.parametrize("name", CHOSEN)
def test_the_healthcheck_is_not_well_without_the_service(name: str) -> None:
    service = SERVICES[name]
    program, *arguments = check(service)
    given = ["--rm", *options(service), "--entrypoint", program]
    assert not succeeds(*RUN, *given, image_of(service), *arguments)
