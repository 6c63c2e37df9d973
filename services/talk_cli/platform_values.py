"""What a values file of the chart says about authors."""

from __future__ import annotations

from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from talk_kit.talkagent.authors import Authors


class InvalidValues(Exception):
    """A values file whose `authors` cannot be read, in words for whoever named it."""


def read_authors(file: Path) -> Authors:
    """Its `authors`; without any, nothing is allowed. Raises InvalidValues."""
    try:
        values = YAML(typ="safe").load(file.read_text("utf-8"))
    except (OSError, ValueError, YAMLError) as error:
        raise InvalidValues(f"{file}: {error}") from None
    given = values.get("authors") if isinstance(values, dict) else None
    if not isinstance(given or {}, dict):
        raise InvalidValues(f"{file}: authors is a mapping of lists")
    found = {name: (given or {}).get(name) or [] for name in ("images", "serviceAccountNames")}
    for name, listed in found.items():
        if not isinstance(listed, list) or not all(isinstance(each, str) for each in listed):
            raise InvalidValues(f"{file}: authors.{name} is a list of strings")
    return Authors(**found)
