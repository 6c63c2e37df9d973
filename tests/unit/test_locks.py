"""What is installed is what was locked: by hash, and from the registries alone."""

from __future__ import annotations

import json
import re
import tomllib
from typing import Any

from scripts.licences import ROOT

PYTHON: list[dict[str, Any]] = tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]
NPM: dict[str, dict[str, Any]] = json.loads((ROOT / "services/web/package-lock.json").read_text("utf-8"))["packages"]
SHA256 = re.compile(r"sha256:[0-9a-f]{64}")
SHA512 = re.compile(r"sha512-[A-Za-z0-9+/]{86}==")
NPM_REGISTRY = "https://registry.npmjs.org/"


def test_each_file_of_each_python_package_is_pinned_by_its_hash() -> None:
    own, *others = sorted(PYTHON, key=lambda each: "registry" in each["source"])
    assert (own["name"], own["source"]) == ("talk", {"editable": "."})
    assert len(others) > 100
    for each in others:
        files = [*each.get("wheels", ()), *([each["sdist"]] if "sdist" in each else [])]
        assert each["source"] == {"registry": "https://pypi.org/simple"}, each["name"]
        assert files, each["name"]
        assert all(SHA256.fullmatch(file.get("hash", "")) for file in files), each["name"]


def test_each_package_of_the_page_is_pinned_by_its_hash_and_from_no_other_registry() -> None:
    others = {name: each for name, each in NPM.items() if name}
    assert len(others) > 50
    for name, each in others.items():
        assert SHA512.fullmatch(each.get("integrity", "")), name
        assert each.get("resolved", NPM_REGISTRY).startswith(NPM_REGISTRY), name


def test_the_page_names_exact_versions() -> None:
    wanted = json.loads((ROOT / "services/web/package.json").read_text("utf-8"))["devDependencies"]
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in wanted.values())


def test_nothing_is_installed_without_the_lock() -> None:
    told = "\n".join((ROOT / name).read_text("utf-8") for name in ("Makefile", "Dockerfile"))
    installs = re.findall(r"(?:uv|\$\(UV\)) sync .*|npm (?:ci|install|i) .*", told)
    assert len(installs) >= 6
    assert all("--frozen" in each or each.startswith("npm ci") for each in installs)
