"""compose.yaml: every service is watched, bounded and restarted, and its settings are Talk's."""

from __future__ import annotations

from typing import Any

import pytest
from ruamel.yaml import YAML

from talk_kit.settings import unknown_names
from talk_kit.talkagent import read_agents
from tests.chart.helm import ROOT

SERVICES: dict[str, Any] = YAML(typ="safe").load((ROOT / "compose.yaml").read_text())["services"]
AGENTS = [name for name, each in SERVICES.items() if each.get("build", {}).get("target") == "agent"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
every = pytest.mark.parametrize("name", SERVICES)


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
        assert how == {"condition": "service_healthy"}


@pytest.mark.parametrize("name", [name for name in SERVICES if name != "redis"])
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
    assert set(SERVICES["gateway"]["depends_on"]) == set(AGENTS)


def test_the_agents_are_the_examples() -> None:
    assert set(AGENTS) == set(read_agents([ROOT / "examples"]).by_name)
    for name in AGENTS:
        source, target, mode = SERVICES[name]["volumes"][0].split(":")
        assert (ROOT / source).is_file()
        assert (target, mode) == ("/etc/talk/agent.yaml", "ro")
        assert set(read_agents([ROOT / source]).by_name) == {name}
