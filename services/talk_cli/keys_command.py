"""`talk keys`: the file of API keys that a gateway reads. A key is printed once, when it is made."""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson

from talk_kit.api_keys import (
    NAME,
    ApiKey,
    CallerLimits,
    InvalidKeys,
    encode_keys,
    hash_of,
    new_key,
    parse_keys,
    parse_time,
)
from talk_kit.names import canonical_agent_name

# The key of the Secret that the chart mounts.
SECRET_KEY = "keys.json"  # noqa: S105 - a name
_PERIOD = re.compile(r"([1-9][0-9]{0,4})([hdw])")
_UNITS = {"h": "hours", "d": "days", "w": "weeks"}


class KeysRefused(Exception):
    """What was asked cannot be done; the message says why."""


def main(arguments: argparse.Namespace) -> int:
    """0 done, 1 not done and told."""
    try:
        {"create": _create, "list": _list, "revoke": _revoke, "secret": _secret}[arguments.keys_command](arguments)
    except (KeysRefused, InvalidKeys, OSError) as error:
        told = f"{arguments.file}: {error}" if isinstance(error, InvalidKeys) else str(error)
        print(f"talk keys: {told}", file=sys.stderr)
        return 1
    return 0


def _create(arguments: argparse.Namespace) -> None:
    if not NAME.fullmatch(arguments.name):
        raise KeysRefused("a name has 1 to 64 of A-Z a-z 0-9 . _ @ -")
    now = datetime.now(UTC)
    presented = new_key()
    key = ApiKey(
        name=arguments.name,
        sha256=hash_of(presented),
        agents=tuple(map(canonical_agent_name, arguments.agent)) if arguments.agent else None,
        limits=CallerLimits(arguments.requests_per_minute, arguments.concurrent_turns, arguments.tokens_per_day),
        expires=_expires(arguments.expires, now),
        created=now.isoformat(timespec="seconds").replace("+00:00", "Z"),
    )
    _write(arguments.file, [*_read(arguments.file, missing_is_empty=True), key])
    print(f"The key of {key.name} (id {key.id}) is in {arguments.file} as a hash. Keep it now:", file=sys.stderr)
    print(presented)


def _list(arguments: argparse.Namespace) -> None:
    now = datetime.now(UTC)
    for key in _read(arguments.file):
        agents = ",".join(key.agents) if key.agents is not None else "every agent"
        until = "never ends" if key.expires is None else f"ends {key.expires:%Y-%m-%d %H:%M}Z"
        shown = [key.name, key.id, agents, "EXPIRED" if key.expired(now) else until, *_limits(key.limits)]
        print("  ".join(shown))


def _limits(limits: CallerLimits) -> list[str]:
    named = {
        "requests/minute": limits.requests_per_minute,
        "turns at once": limits.concurrent_turns,
        "tokens/day": limits.tokens_per_day,
    }
    return [f"{value} {name}" for name, value in named.items() if value is not None]


def _revoke(arguments: argparse.Namespace) -> None:
    keys = _read(arguments.file)
    left = [key for key in keys if key.name != arguments.name or arguments.id not in (None, key.id)]
    if len(left) == len(keys):
        which = f" with the id {arguments.id}" if arguments.id else ""
        raise KeysRefused(f"{arguments.file} has no key of {arguments.name}{which}")
    _write(arguments.file, left)
    print(f"{len(keys) - len(left)} removed, {len(left)} left", file=sys.stderr)


def _secret(arguments: argparse.Namespace) -> None:
    keys = _read(arguments.file)
    metadata = {"name": arguments.name} | ({"namespace": arguments.namespace} if arguments.namespace else {})
    document = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {**metadata, "labels": {"talk.dwani.ai/internal": "true"}},
        "type": "Opaque",
        "stringData": {SECRET_KEY: encode_keys(keys).decode()},
    }
    sys.stdout.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode())


def _read(path: Path, *, missing_is_empty: bool = False) -> Sequence[ApiKey]:
    try:
        return parse_keys(path.read_bytes())
    except FileNotFoundError:
        if missing_is_empty:
            return ()
        raise KeysRefused(f"there is no file {path}; talk keys create makes it") from None


def _write(path: Path, keys: Sequence[ApiKey]) -> None:
    """Whole or not at all, and for its owner only: a gateway may read it at any moment."""
    raw = encode_keys(keys)
    parse_keys(raw)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(raw)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _expires(raw: str | None, now: datetime) -> datetime | None:
    if raw is None:
        return None
    if period := _PERIOD.fullmatch(raw):
        return (now + timedelta(**{_UNITS[period[2]]: int(period[1])})).replace(microsecond=0)
    try:
        return parse_time(raw)
    except (ValueError, OverflowError):
        raise KeysRefused("--expires is a time such as 2027-01-31T00:00:00Z, or a period such as 90d") from None
