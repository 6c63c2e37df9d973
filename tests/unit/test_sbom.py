"""The bill of materials of an image lists what the image has, and is CycloneDX."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.licences import ROOMS, packages
from scripts.sbom import DOCKERFILE, LEFT_OUT, bill, check, exported, summary

PAGE: dict[str, Any] = {
    "components": [
        {
            "bom-ref": "preact@11.2.0",
            "type": "library",
            "name": "preact",
            "version": "11.2.0",
            "purl": "pkg:npm/preact@1",
        },
        {"bom-ref": "vite@8.3.8", "type": "library", "name": "vite", "version": "8.3.8", "purl": "pkg:npm/vite@8"},
    ],
    "dependencies": [
        {"ref": "talk-web@0.1.0", "dependsOn": ["preact@11.2.0", "vite@8.3.8"]},
        {"ref": "vite@8.3.8", "dependsOn": ["preact@11.2.0"]},
    ],
}


def python(*components: dict[str, Any]) -> dict[str, Any]:
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {"type": "library", "bom-ref": "talk", "name": "talk", "version": "0.1.0"}},
        "components": list(components),
        "dependencies": [{"ref": "talk", "dependsOn": [each["bom-ref"] for each in components]}],
    }


def package(name: str, marker: str | None = None) -> dict[str, Any]:
    of_uv = [{"name": "uv:package:marker", "value": marker}] if marker else []
    return {"type": "library", "bom-ref": name, "name": name, "version": "1", "properties": of_uv}


@pytest.mark.parametrize("room", ROOMS)
def test_a_bill_has_the_packages_of_its_image_and_no_other(room: str) -> None:
    made = bill(room, exported(room))
    check(json.dumps(made))
    names = {each["name"] for each in made["components"] if each["type"] == "library"}
    assert len(names) > 40
    assert names <= set(packages(room)) - set(LEFT_OUT.get(room, ()))
    assert not names & {"pytest", "hypothesis", "talk"}
    assert all(each["externalReferences"][0]["hashes"] for each in made["components"] if each["type"] == "library")
    assert made["metadata"]["component"]["name"] == f"talk-{room}"


@pytest.mark.parametrize(
    ("marker", "there"),
    [
        (None, True),
        ("sys_platform == 'darwin' or sys_platform == 'linux'", True),
        ("sys_platform == 'darwin'", False),
        ("python_full_version < '3.12'", False),
    ],
)
def test_a_package_of_another_platform_or_python_is_left_out(marker: str | None, there: bool) -> None:
    made = bill("operator", python(package("other", marker)))
    assert ("other" in {each["name"] for each in made["components"]}) is there
    assert ("other" in made["dependencies"][0]["dependsOn"]) is there


def test_the_gateways_has_the_page_and_what_builds_it_apart() -> None:
    made = bill("gateway", python(package("httpx")), PAGE)
    check(json.dumps(made))
    assert {each["bom-ref"]: each.get("scope") for each in made["components"]} == {
        "httpx": None,
        "npm:preact@11.2.0": "required",
        "npm:vite@8.3.8": "excluded",
        "base-image": None,
    }
    assert {"ref": "npm:vite@8.3.8", "dependsOn": ["npm:preact@11.2.0"]} in made["dependencies"]
    assert summary(made["components"]) == (
        "1 Python packages, 1 npm packages in the page, 1 npm packages that build it, 1 base image"
    )


def test_what_is_no_cyclonedx_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no CycloneDX 1\.5"):
        check(json.dumps(python() | {"components": [{"name": "no type"}]}))


def test_what_an_image_leaves_out_is_what_its_stage_leaves_out() -> None:
    stages = DOCKERFILE.read_text("utf-8").split("\nFROM ")
    for room in ROOMS:
        (stage,) = [each for each in stages if each.startswith(f"build AS build-{room}\n")]
        left_out = {line.split()[1] for line in stage.splitlines() if line.strip().startswith("--no-install-package")}
        assert left_out == set(LEFT_OUT.get(room, ()))
