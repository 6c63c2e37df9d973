"""Turns and state as bytes. One element of a session's list is one turn, so that none is ever parted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import orjson
from google.adk.events.event import Event
from google.adk.sessions import _session_util
from google.adk.sessions.state import State
from pydantic import TypeAdapter
from pydantic_core import from_json, to_json

from talk_agent.sessions.port import Turn

_EVENTS: TypeAdapter[tuple[Event, ...]] = TypeAdapter(tuple[Event, ...])


def encode_turn(turn_id: str, events: Sequence[Event]) -> bytes:
    """`{"id":...,"events":[...]}`; what has its default is left out. Begins with `turn_prefix(turn_id)`."""
    written = _EVENTS.dump_json(tuple(events), by_alias=True, exclude_none=True, exclude_defaults=True)
    return turn_prefix(turn_id) + b',"events":' + written + b"}"


def turn_prefix(turn_id: str) -> bytes:
    """The first bytes of a turn's element."""
    return b'{"id":' + orjson.dumps(turn_id)


def hidden_turn(turn_id: str) -> bytes:
    """What stands in place of a turn that a retry replaced."""
    return turn_prefix(turn_id) + b',"events":[]}'


def decode_turn(element: bytes) -> tuple[str, Turn]:
    """The turn's id, and its events."""
    prefix, written = element.split(b',"events":', 1)
    turn_id = orjson.loads(prefix + b"}")["id"]
    return str(turn_id), _EVENTS.validate_json(written[:-1])


def starts_turn(events: Turn) -> bool:
    """Whether an element begins a turn: it opens with the user's words, not with a tool's result."""
    return bool(events) and events[0].author == "user" and not events[0].get_function_responses()


def state_parts(state: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """`session`, `user` and `app`: keys without their prefixes, values as JSON can hold them. `temp:` is left out."""
    return _session_util.extract_json_safe_state_delta(dict(state))


def encode_state(state: Mapping[str, Any]) -> list[str | bytes]:
    """A count, then keys and values, as the scripts take them."""
    pairs: list[str | bytes] = [str(len(state))]
    for key, value in state.items():
        pairs += [key.encode("utf-8", "surrogatepass"), to_json(value)]
    return pairs


def decode_state(pairs: Sequence[bytes], prefix: str = "") -> dict[str, Any]:
    """What HGETALL gave, with `prefix` put before each key."""
    keys = [f"{prefix}{key.decode('utf-8', 'surrogatepass')}" for key in pairs[::2]]
    return dict(zip(keys, map(from_json, pairs[1::2]), strict=True))


def merged_state(session: Mapping[str, Any], user: Sequence[bytes], app: Sequence[bytes]) -> dict[str, Any]:
    """The state as an agent sees it."""
    return {
        **session,
        **decode_state(app, State.APP_PREFIX),
        **decode_state(user, State.USER_PREFIX),
    }


class Meta:
    """A session's own hash: its version, when it changed, and its state."""

    def __init__(self, pairs: Sequence[bytes]) -> None:
        fields = dict(zip(pairs[::2], pairs[1::2], strict=True))
        self.exists = b"version" in fields
        self.version = int(fields.get(b"version", 0))
        self.updated = float(fields.get(b"updated", 0.0))
        self.created = float(fields.get(b"created", 0.0))
        self.state = decode_state(_flat((key[2:], value) for key, value in fields.items() if key.startswith(b"s:")))


def _flat(pairs: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [part for pair in pairs for part in pair]
