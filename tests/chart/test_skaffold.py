"""skaffold.yaml names what is there: images, targets, files, values, objects."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.chart.helm import ROOT, render

pytestmark = pytest.mark.timeout(60)
CONFIG: dict[str, Any] = YAML(typ="safe").load((ROOT / "skaffold.yaml").read_text())
ARTIFACTS = CONFIG["build"]["artifacts"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def release() -> dict[str, Any]:
    found: dict[str, Any] = CONFIG["deploy"]["helm"]["releases"][0]
    return found


@pytest.mark.parametrize("artifact", ARTIFACTS, ids=lambda each: each["docker"]["target"])
def test_an_artifact_is_a_target_of_the_dockerfile(artifact: dict[str, Any]) -> None:
    target = artifact["docker"]["target"]
    assert re.search(rf"^FROM \S+ AS {target}$", DOCKERFILE, re.MULTILINE)
    assert artifact["image"] == f"ghcr.io/dwani-ai/talk-{target}"
    assert (ROOT / artifact["docker"]["dockerfile"]).is_file()


@pytest.mark.parametrize("artifact", [each for each in ARTIFACTS if "sync" in each], ids=lambda each: each["image"])
def test_what_is_synced_is_in_the_image(artifact: dict[str, Any]) -> None:
    for rule in artifact["sync"]["manual"]:
        files = [path for path in ROOT.glob(rule["src"]) if path.is_file()]
        assert files, rule
        assert all(str(path.relative_to(ROOT)).startswith(rule["strip"]) for path in files)
        assert rule["dest"].startswith("/opt/talk/lib/python3.13/site-packages")
    assert "python3.13" in DOCKERFILE


def test_every_built_image_is_the_one_installed() -> None:
    templates = release()["setValueTemplates"]
    for artifact in ARTIFACTS:
        variable = re.sub(r"[^A-Za-z0-9]", "_", artifact["image"])
        used = {key for key, value in templates.items() if variable in value}
        assert {key.rpartition(".")[2] for key in used} == {"repository", "tag"}, artifact["image"]
    given = [f"{key}={re.sub(r'{{.IMAGE_(REPO|TAG)_(.*)}}', r'skaffold', value)}" for key, value in templates.items()]
    rendered = render(*(part for each in given for part in ("--set", each)), *set_values(release()))
    images = [spec["containers"][0]["image"] for _, _, spec in rendered.pods()]
    assert set(images) == {"skaffold:skaffold", "docker.io/library/redis:8"}
    assert 'image: "skaffold:skaffold"' in rendered.one("ConfigMap", "talk-operator")["data"]["operator.yaml"]


def set_values(of: dict[str, Any]) -> list[str]:
    pairs = [f"{key}={str(value).lower()}" for key, value in of["setValues"].items()]
    return [part for pair in pairs for part in ("--set", pair)]


def patched(profile: str) -> dict[str, Any]:
    """The configuration with a profile's patches, as RFC 6902 has them."""
    config = copy.deepcopy(CONFIG)
    for patch in next(each for each in CONFIG["profiles"] if each["name"] == profile)["patches"]:
        *parents, last = patch["path"].strip("/").split("/")
        target: Any = config
        for part in parents:
            target = target[int(part) if isinstance(target, list) else part]
        assert patch["op"] == "add" or last in target, patch
        target[last] = patch["value"]
    return config


def test_the_dev_profile_runs_one_of_each_and_can_write_its_code() -> None:
    config = patched("dev")
    synced = [each for each in config["build"]["artifacts"] if "sync" in each]
    assert all(each["docker"]["buildArgs"] == {"DEV": "true"} for each in synced)
    of = config["deploy"]["helm"]["releases"][0]
    assert "ARG DEV" in DOCKERFILE
    files = [ROOT / file for file in of["valuesFiles"]]
    rendered = render(*(part for file in files for part in ("-f", file)), *set_values(of))
    for name in ("talk-gateway", "talk-operator", "talk-local"):
        deployment = rendered.one("Deployment", name)["spec"]
        container = deployment["template"]["spec"]["containers"][0]
        assert deployment["replicas"] == 1
        assert container["securityContext"]["readOnlyRootFilesystem"] is False
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert "/tmp/talk.pid" in container["command"][2]


def test_the_ci_profile_renders() -> None:
    of = patched("ci")["deploy"]["helm"]["releases"][0]
    assert render(*set_values(of)).one("Deployment", "talk-operator")["spec"]["replicas"] == 2


def test_forwarded_and_verified_services_exist() -> None:
    rendered = render(*set_values(release()), release=release()["name"])
    for forward in CONFIG["portForward"]:
        service = rendered.one("Service", forward["resourceName"])
        assert forward["port"] in [port["port"] for port in service["spec"]["ports"]]
        assert forward["namespace"] == release()["namespace"]
    for check in CONFIG["verify"]:
        assert check["container"]["image"] in [each["image"] for each in ARTIFACTS]
        assert "http://talk-gateway.talk:8080" in check["container"]["args"][0]
        compile(check["container"]["args"][0], "verify", "exec")
    assert Path(ROOT / release()["chartPath"] / "Chart.yaml").is_file()
