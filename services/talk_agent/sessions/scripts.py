"""The Lua scripts. Each touches only the keys it is given, which share one hash slot."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

Argument = str | bytes | int
Command = Sequence[Argument]


@dataclass(frozen=True, slots=True)
class Script:
    """A script, which the server knows by its hash once it has run."""

    source: str
    sha: str

    def call(self, keys: Sequence[str], args: Sequence[Argument]) -> Call:
        """A run of it with these keys and arguments."""
        return Call(self, tuple(keys), tuple(args))


@dataclass(frozen=True, slots=True)
class Call:
    """One run of a script, as a command."""

    script: Script
    keys: tuple[str, ...]
    args: tuple[Argument, ...]

    def by_hash(self) -> Command:
        """Short, and fails with NOSCRIPT on a server that has not seen the script."""
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.args)

    def by_source(self) -> Command:
        """Works always, and makes the hash known."""
        return ("EVAL", self.script.source, len(self.keys), *self.keys, *self.args)


def _script(name: str) -> Script:
    source = files("talk_agent.sessions").joinpath("lua", f"{name}.lua").read_text("utf-8")
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


APPEND = _script("append")
CREATE = _script("create")
LOAD = _script("load")
DELETE = _script("delete")
USED = _script("used")
CLAIM = _script("claim")
LEASE_TAKE = _script("lease_take")
LEASE_KEEP = _script("lease_keep")
LEASE_DROP = _script("lease_drop")
