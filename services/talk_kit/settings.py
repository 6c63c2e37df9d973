"""Settings: read once at start, from the environment, into frozen dataclasses.

A room declares its own:

    @dataclass(frozen=True, slots=True)
    class Settings:
        port: int = setting("TALK_PORT", 8080, doc="Port of the API.")

and `load(Settings, os.environ)` is the only reader. A `TALK_*` variable that no room knows is refused with
the nearest known name, so that a typing error never passes for a default.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, Field, field, fields
from typing import Any, TypeVar
from urllib.parse import urlsplit

from talk_kit._setting_names import KNOWN_NAMES, KNOWN_PREFIXES

T = TypeVar("T")


class SettingsError(Exception):
    """The environment cannot be used; each line of `problems` names a variable and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def setting(
    name: str,
    default: Any = MISSING,
    *,
    doc: str,
    parse: Callable[[str], Any] = str,
    unit: str = "",
    secret: bool = False,
    aliases: tuple[str, ...] = (),
) -> Any:
    """A field read from `name`, else from the first of `aliases` that is set, else `default`.

    `parse` raises ValueError with a sentence that says what is allowed. An empty variable is an absent one:
    charts and compose files render empty strings for what is left out. A secret stays out of `repr`.
    """
    metadata = {"env": name, "doc": doc, "parse": parse, "unit": unit, "secret": secret, "aliases": aliases}
    return field(default=default, metadata=metadata, repr=not secret)


def load(cls: type[T], environ: Mapping[str, str]) -> T:
    """The settings, or SettingsError with every problem at once."""
    problems = list(unknown_names(environ))
    values: dict[str, Any] = {}
    for declared in declared_settings(cls):
        raw = _raw(declared, environ)
        if raw is None:
            if declared.default is MISSING:
                problems.append(f"{declared.metadata['env']} is not set. {declared.metadata['doc']}")
            continue
        try:
            values[declared.name] = declared.metadata["parse"](raw)
        except ValueError as error:
            shown = "" if declared.metadata["secret"] else f" is {raw!r}"
            problems.append(f"{declared.metadata['env']}{shown}: {error}")
    if problems:
        raise SettingsError(problems)
    return cls(**values)


def declared_settings(cls: type[Any]) -> list[Field[Any]]:
    """The fields of a settings class that come from the environment."""
    return [declared for declared in fields(cls) if "env" in declared.metadata]


def setting_names(cls: type[Any]) -> frozenset[str]:
    """Every variable that a settings class reads."""
    declared = declared_settings(cls)
    return frozenset(f.metadata["env"] for f in declared) | {a for f in declared for a in f.metadata["aliases"]}


def unknown_names(environ: Mapping[str, str]) -> Iterator[str]:
    """A line for each `TALK_*` variable that no room reads."""
    for name in sorted(environ):
        if name.startswith("TALK_") and name not in KNOWN_NAMES and not name.startswith(KNOWN_PREFIXES):
            near = difflib.get_close_matches(name, KNOWN_NAMES, n=1, cutoff=0.6)
            hint = f"Did you mean {near[0]}?" if near else "Unset it; docs/reference/settings.md lists all."
            yield f"{name} is not a setting of Talk. {hint}"


def _raw(declared: Field[Any], environ: Mapping[str, str]) -> str | None:
    for name in (declared.metadata["env"], *declared.metadata["aliases"]):
        if environ.get(name, "").strip():
            return environ[name].strip()
    return None


def integer(low: int, high: int) -> Callable[[str], int]:
    """A parser of whole numbers within bounds, both included."""

    def parse(raw: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,18}", raw) or not low <= int(raw) <= high:
            raise ValueError(f"give a whole number from {low} to {high}")
        return int(raw)

    return parse


def seconds(low: float, high: float) -> Callable[[str], float]:
    """A parser of durations in seconds within bounds, both included."""

    def parse(raw: str) -> float:
        try:
            value = float(raw)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise ValueError(f"give seconds as a number from {low:g} to {high:g}")
        return value

    return parse


def boolean(raw: str) -> bool:
    """`true` or `false`, as Kubernetes writes them, and 1 or 0."""
    known = {"true": True, "1": True, "false": False, "0": False}
    if raw.lower() not in known:
        raise ValueError("give true or false")
    return known[raw.lower()]


def one_of(*allowed: str) -> Callable[[str], str]:
    """A parser of a word out of a few, in any case."""

    def parse(raw: str) -> str:
        if raw.lower() not in allowed:
            raise ValueError(f"give one of {', '.join(allowed)}")
        return raw.lower()

    return parse


def words(raw: str) -> tuple[str, ...]:
    """A comma separated list; empty members are left out."""
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def http_url(raw: str) -> str:
    """An absolute http or https URL without credentials, query or fragment; a trailing slash is cut."""
    try:
        parts = urlsplit(raw)
        whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ValueError("give an absolute http:// or https:// URL")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("give the URL without user, password, query and fragment")
    return raw.rstrip("/")
