"""compose.yaml: every service is watched, bounded and restarted, and its settings are Talk's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from talk_kit.settings import unknown_names
from talk_kit.talkagent import read_agents
from tests.chart.helm import ROOT

SERVICES: dict[str, Any] = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())["services"]
AGENTS = [name for name, each in SERVICES.items() if each.get("build", {}).get("target") == "agent"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
# It runs once, before all others.
ONCE = "identity"
every = pytest.mark.parametrize("name", [name for name in SERVICES if name != ONCE])


@every
def test_a_service_is_watched_bounded_and_restarted(name: str) -> None:
    service = SERVICES[name]
    health = service["healthcheck"]
    assert (health["interval"], health["timeout"], health["retries"]) == ("10s", "5s", 3)
    assert service["restart"] == "unless-stopped"
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory"}
    assert service["read_only"] is True


@every
def test_the_healthcheck_is_one_that_the_image_has(name: str) -> None:
    service = SERVICES[name]
    program, *arguments = service["healthcheck"]["test"][1:]
    if name == "redis":
        assert program == "redis-cli"
        return
    assert (program, arguments[0]) == ("python", "-c")
    compile(arguments[1], "healthcheck", "exec")
    assert f":{service['environment']['TALK_PORT']}/healthz" in arguments[1]


@every
def test_a_service_waits_for_what_it_needs(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        assert needed in SERVICES
        assert how == {"condition": "service_completed_successfully" if needed == ONCE else "service_healthy"}


@pytest.mark.parametrize("name", [name for name in SERVICES if "environment" in SERVICES[name]])
def test_images_and_settings_are_talks(name: str) -> None:
    service = SERVICES[name]
    target = service["build"]["target"]
    assert service["image"].startswith(f"ghcr.io/dwani-ai/talk-{target}:")
    assert f" AS {target}\n" in DOCKERFILE
    assert not list(unknown_names(dict.fromkeys(service["environment"], "")))
    assert all(isinstance(value, str) for value in service["environment"].values())


def test_the_gateway_knows_every_agent() -> None:
    environment = SERVICES["gateway"]["environment"]
    known = dict(pair.split("=", 1) for pair in environment["TALK_AGENTS"].split(","))
    assert known == {name: f"http://{name}:8081" for name in AGENTS}
    assert set(SERVICES["gateway"]["depends_on"]) == {*AGENTS, ONCE}


def test_only_the_gateway_can_sign_and_every_agent_checks() -> None:
    mounted = {name: [each.split(":") for each in SERVICES[name].get("volumes", ())] for name in SERVICES}
    assert {name for name in SERVICES if "identity-private" in {each[0] for each in mounted[name]}} == {ONCE, "gateway"}
    assert ["identity-private", "/etc/talk/identity", "ro"] in mounted["gateway"]
    assert SERVICES["gateway"]["environment"]["TALK_IDENTITY_FILE"] == "/etc/talk/identity/identity.pem"
    for name in AGENTS:
        assert ["identity-public", "/etc/talk/identity", "ro"] in mounted[name]
        assert SERVICES[name]["environment"]["TALK_IDENTITY_PUBLIC_FILE"] == "/etc/talk/identity/identity.pub"
        assert ONCE in SERVICES[name]["depends_on"]


def test_the_keys_are_made_once_without_network_and_capabilities(tmp_path: Path) -> None:
    service = SERVICES[ONCE]
    assert (service["restart"], service["network_mode"], service["cap_drop"]) == ("no", "none", ["ALL"])
    assert service["read_only"] is True
    folders = dict(volume.split(":") for volume in service["volumes"])
    assert folders == {"identity-private": "/private", "identity-public": "/public"}
    program, *arguments = service["entrypoint"]
    assert program == "python"
    for folder in folders.values():
        (tmp_path / folder.strip("/")).mkdir()
    here = [str(tmp_path / each.strip("/")) if each.startswith("/") else each for each in arguments]
    subprocess.run([sys.executable, *here], check=True, timeout=60)
    assert b"PRIVATE KEY" in (tmp_path / "private/identity.pem").read_bytes()
    assert (tmp_path / "public/identity.pub").read_bytes().startswith(b"-----BEGIN PUBLIC KEY")


def test_the_agents_are_the_examples() -> None:
    assert set(AGENTS) == set(read_agents([ROOT / "examples"]).by_name)
    for name in AGENTS:
        source, target, mode = SERVICES[name]["volumes"][0].split(":")
        assert (ROOT / source).is_file()
        assert (target, mode) == ("/etc/talk/agent.yaml", "ro")
        assert set(read_agents([ROOT / source]).by_name) == {name}
