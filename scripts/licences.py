"""Writes docs/reference/licences.md: what each image and the page bring, and under which licence."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/reference/licences.md"
ROOMS = ("gateway", "agent", "operator", "local")
# GPL and AGPL, not LGPL.
COPYLEFT = re.compile(r"(?<![A-Za-z])A?GPL|GNU (Affero )?General Public", re.IGNORECASE)
# What Vite puts into the page; all else in package.json is for building and testing it.
BUNDLED = ("preact",)


def packages(room: str) -> dict[str, str]:
    """Name and version of every package of a room's image that is installed here, by uv.lock."""
    lock = {each["name"]: each for each in tomllib.loads((ROOT / "uv.lock").read_text("utf-8"))["package"]}
    found: dict[str, str] = {}
    wanted = [*_needs(lock["talk"], ()), *_needs(lock["talk"], (room,))]
    while wanted:
        name, extras = wanted.pop()
        if (key := f"{name}[{','.join(extras)}]") not in found:
            found[key] = lock[name]["version"]
            wanted += _needs(lock[name], extras)
    return {key.partition("[")[0]: version for key, version in sorted(found.items())}


def licence(name: str) -> str | None:
    """As short as its metadata have it; None for a package of another platform."""
    try:
        told: Any = metadata(name)
    except PackageNotFoundError:
        return None
    classified = [each.rpartition(" :: ")[2] for each in told.get_all("Classifier") or () if each[:7] == "License"]
    written = (
        told.get("License-Expression") or " and ".join(classified) or (told.get("License") or "").partition("\n")[0]
    )
    return written.strip() or "not told"


def rows() -> Iterator[tuple[str, str, str]]:
    """Package, licence and the images that have it."""
    of_rooms = {room: packages(room) for room in ROOMS}
    for name in sorted({name for found in of_rooms.values() for name in found}):
        if told := licence(name):
            yield name, told, ", ".join(room for room in ROOMS if name in of_rooms[room])


def of_the_page() -> Iterator[tuple[str, str]]:
    """Packages that are built into the page."""
    lock = json.loads((ROOT / "services/web/package-lock.json").read_text("utf-8"))["packages"]
    for name in BUNDLED:
        yield name, lock[f"node_modules/{name}"]["license"]


def render() -> str:
    """The page."""
    lines = [
        "# Licences",
        "",
        "Talk is Apache-2.0. Generated from the lock files and the packages' own metadata by `make reference`.",
        "",
        "Nothing under the GPL or AGPL is loaded into a process of Talk; a test holds that. ffmpeg, which decodes",
        "what is no WAV, is a program of its own (GPL as `imageio-ffmpeg` brings it): the gateway runs it apart.",
        "`make sbom` writes a CycloneDX bill of materials of each image.",
        "",
        "| package | licence | images |",
        "| --- | --- | --- |",
        *(f"| {name} | {told} | {rooms} |" for name, told, rooms in rows()),
        "",
        "## The page",
        "| package | licence |",
        "| --- | --- |",
        *(f"| {name} | {told} |" for name, told in of_the_page()),
    ]
    return "\n".join(lines) + "\n"


def _needs(package: dict[str, Any], extras: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    listed = [*package.get("dependencies", ())] if not extras else []
    for extra in extras:
        listed += package.get("optional-dependencies", {}).get(extra, ())
    return [(each["name"], extra) for each in listed for extra in {(), tuple(each.get("extra", ()))}]


if __name__ == "__main__":
    PAGE.write_text(render(), "utf-8")
