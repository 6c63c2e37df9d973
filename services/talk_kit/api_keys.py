"""API keys of callers: one file of named keys, of which only hashes are kept. Pure: no clock, no files.

    {"keys": [{"name": "alice", "sha256": "<64 hex digits>", "agents": ["assistant"], "expires": "2027-01-31T00:00:00Z",
               "requestsPerMinute": 60, "concurrentTurns": 4, "tokensPerDay": 200000}]}

`name` is the caller: several keys of one name may be live at once, which is how a key is changed without an outage.
No error repeats what the file holds: someone may have written a key where its hash belongs.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson

from talk_kit.names import canonical_agent_name

# Tells people, and scanners of repositories, what a found string is.
KEY_PREFIX = "talk_"
KEY_BYTES = 32
# A Secret holds 1 MiB; 2,000 keys take half of it, and 0.3 ms to compare with.
MOST_BYTES = 1 << 20
MOST_KEYS = 2000
LONGEST_KEY = 512
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_HASH = re.compile(r"[0-9a-f]{64}")
_LIMITS = {
    "requestsPerMinute": "requests_per_minute",
    "concurrentTurns": "concurrent_turns",
    "tokensPerDay": "tokens_per_day",
}
_MEMBERS = frozenset({"name", "sha256", "agents", "expires", "created", *_LIMITS})
_LARGEST = 10**12


class InvalidKeys(ValueError):
    """The file cannot be used; the sentence says where and why, and repeats nothing of it."""


@dataclass(frozen=True, slots=True)
class CallerLimits:
    """What one caller may use; None is the deployment's own default, 0 no bound."""

    requests_per_minute: int | None = None
    concurrent_turns: int | None = None
    tokens_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class ApiKey:
    """One key. `agents` None is every agent; `expires` None is never."""

    name: str
    sha256: str = field(repr=False)
    agents: tuple[str, ...] | None = None
    limits: CallerLimits = field(default_factory=CallerLimits)
    expires: datetime | None = None
    created: str = ""

    @property
    def id(self) -> str:
        """Names one key of several of a name, and gives nothing away: the beginning of the hash of its hash."""
        return hashlib.sha256(self.sha256.encode()).hexdigest()[:8]

    def expired(self, now: datetime) -> bool:
        """Whether it has ended."""
        return self.expires is not None and now >= self.expires


def new_key() -> str:
    """A fresh key of 256 random bits: too many to guess, so a plain hash of it is safe to keep."""
    return KEY_PREFIX + secrets.token_urlsafe(KEY_BYTES)


def hash_of(key: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def find(keys: Sequence[ApiKey], presented: str, now: datetime) -> ApiKey | None:
    """The live key that was presented. Every hash is compared in constant time, whether or not one matched before."""
    if not presented or len(presented) > LONGEST_KEY:
        return None
    digest = hash_of(presented).encode()
    found = None
    for key in keys:
        if hmac.compare_digest(key.sha256.encode(), digest) and not key.expired(now):
            found = key
    return found


def parse_keys(raw: bytes) -> tuple[ApiKey, ...]:
    """The keys of a file. InvalidKeys where any of it is wrong: half a file would lock callers out in silence."""
    if len(raw) > MOST_BYTES:
        raise InvalidKeys(f"the file is larger than {MOST_BYTES} bytes")
    try:
        document = orjson.loads(raw or b'{"keys": []}')
    except orjson.JSONDecodeError:
        raise InvalidKeys("the file is no JSON") from None
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list) or len(document) != 1:
        raise InvalidKeys('the file is no JSON object with the one member "keys", a list')
    if len(document["keys"]) > MOST_KEYS:
        raise InvalidKeys(f"the file has more than {MOST_KEYS} keys")
    keys = tuple(_key(entry, f"keys[{at}]") for at, entry in enumerate(document["keys"]))
    if len({key.sha256 for key in keys}) != len(keys):
        raise InvalidKeys("two entries have the same sha256")
    return keys


def encode_keys(keys: Sequence[ApiKey]) -> bytes:
    """The file that `parse_keys` reads, one member a line."""
    document = {"keys": [_entry(key) for key in keys]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def parse_time(raw: str) -> datetime:
    """An RFC 3339 time with its offset, or ValueError."""
    time = datetime.fromisoformat(raw)
    if time.tzinfo is None:
        raise ValueError("a time needs its offset, such as Z")
    return time.astimezone(UTC)


def _key(entry: Any, where: str) -> ApiKey:
    if not isinstance(entry, dict):
        raise InvalidKeys(f"{where} is no object")
    if not _MEMBERS.issuperset(entry):
        raise InvalidKeys(f"{where} has a member that is none of {', '.join(sorted(_MEMBERS))}")
    name, sha256, created = entry.get("name"), entry.get("sha256"), entry.get("created", "")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidKeys(f"{where}.name is not 1 to 64 of A-Z a-z 0-9 . _ @ -")
    if not isinstance(sha256, str) or not _HASH.fullmatch(sha256):
        raise InvalidKeys(f"{where}.sha256 is not 64 lower case hex digits")
    if not isinstance(created, str):
        raise InvalidKeys(f"{where}.created is no string")
    return ApiKey(name, sha256, _agents(entry, where), _limits(entry, where), _expires(entry, where), created)


def _agents(entry: Mapping[str, Any], where: str) -> tuple[str, ...] | None:
    agents = entry.get("agents")
    if agents is None:
        return None
    if not isinstance(agents, list) or not all(isinstance(agent, str) and 0 < len(agent) <= 104 for agent in agents):
        raise InvalidKeys(f"{where}.agents is no list of names")
    return tuple(canonical_agent_name(agent) for agent in agents)


def _limits(entry: Mapping[str, Any], where: str) -> CallerLimits:
    values = {field_: entry.get(member) for member, field_ in _LIMITS.items()}
    for member, field_ in _LIMITS.items():
        value = values[field_]
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _LARGEST):
            raise InvalidKeys(f"{where}.{member} is no whole number from 0 to {_LARGEST}")
    return CallerLimits(**values)


def _expires(entry: Mapping[str, Any], where: str) -> datetime | None:
    raw = entry.get("expires")
    if raw is None:
        return None
    try:
        return parse_time(raw)
    except (TypeError, ValueError, OverflowError):
        raise InvalidKeys(f"{where}.expires is no time such as 2027-01-31T00:00:00Z") from None


def _entry(key: ApiKey) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": key.name, "sha256": key.sha256}
    if key.agents is not None:
        entry["agents"] = list(key.agents)
    if key.expires is not None:
        entry["expires"] = key.expires.isoformat().replace("+00:00", "Z")
    limits = {member: getattr(key.limits, field_) for member, field_ in _LIMITS.items()}
    entry |= {member: value for member, value in limits.items() if value is not None}
    return entry | ({"created": key.created} if key.created else {})
