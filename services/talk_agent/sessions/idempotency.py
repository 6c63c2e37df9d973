"""Requests that are sent again. A key names a turn within its session; a finished turn's answer is kept under it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from talk_kit.errors import IdempotencyMismatch, InvalidRequest
from talk_kit.events import TurnCompleted

HEADER = "Idempotency-Key"
LONGEST_KEY = 255


@dataclass(frozen=True, slots=True)
class Answer:
    """What is kept of a turn: which request it was, its id, and its good end; without one it was cut.

    `place` is the store's own: where the cut turn stands.
    """

    fingerprint: str
    turn_id: str
    completed: TurnCompleted | None = None
    place: str = ""

    @property
    def cut(self) -> bool:
        """Whether a retry runs the turn again, in place of this one."""
        return self.completed is None

    def check(self, fingerprint: str) -> None:
        """IdempotencyMismatch where the key came with another request."""
        if self.fingerprint != fingerprint:
            raise IdempotencyMismatch(
                f"This {HEADER} came with another message before. Send that message again, or use a new key."
            )


def parse_key(headers: Sequence[str]) -> str:
    """The key of a request's `Idempotency-Key` headers, empty where there is none, else InvalidRequest."""
    if not headers:
        return ""
    key = headers[0].strip()
    if len(headers) > 1 or not key or len(key) > LONGEST_KEY or not key.isprintable():
        raise InvalidRequest(f"{HEADER} is sent once, and has 1 to {LONGEST_KEY} printable characters.")
    return key


def fingerprint(message: str) -> str:
    """What makes two requests the same: their message. Whether they ask for a stream does not matter."""
    return hashlib.sha256(message.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def field_of(key: str) -> str:
    """The name under which a key's answer is kept: keys may be long, and hold anything."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def encode_answer(answer: Answer) -> bytes:
    """As JSON, without `place`."""
    written: dict[str, Any] = {"fingerprint": answer.fingerprint, "turn_id": answer.turn_id}
    if answer.completed is not None:
        end = answer.completed
        written |= {
            "reply": end.reply,
            "finish_reason": end.finish_reason,
            "usage": dict(end.usage),
            "timings": dict(end.timings),
        }
    return orjson.dumps(written)


def decode_answer(raw: bytes, place: str = "") -> Answer:
    """What `encode_answer` wrote."""
    read = orjson.loads(raw)
    completed = None
    if "reply" in read:
        completed = TurnCompleted(read["reply"], read["finish_reason"], read["usage"], read["timings"])
    return Answer(read["fingerprint"], read["turn_id"], completed, place)
