"""Whether a live object already says what is wanted, without asking the API server.

The server fills in defaults, spells quantities its own way and drops what is empty; others add entries to lists. None
of these is a difference. What the operator wanted before and no longer wants is seen by the hash that it left.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from talk_operator.config import Object

APPLIED_HASH = "talk.dwani.ai/applied-hash"
_KEYS = ("name", "mountPath", "containerPort", "type")
_SUFFIXES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "k": Decimal(10**3), "M": Decimal(10**6),
    "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}  # fmt: skip


def with_hash(wanted: Object) -> Object:
    """The object with the hash of itself."""
    text = json.dumps(wanted, sort_keys=True, separators=(",", ":"))
    meta = wanted["metadata"]
    made = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return {**wanted, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), APPLIED_HASH: made}}}


def differs(wanted: Mapping[str, Any], live: Mapping[str, Any]) -> bool:
    """Whether anything wanted is not there, or another was wanted before."""
    return not _within(wanted, live)


def _within(wanted: Any, live: Any) -> bool:
    if isinstance(wanted, Mapping):
        there = live if isinstance(live, Mapping) else {}
        return all(_within(value, there.get(name)) for name, value in wanted.items())
    if isinstance(wanted, list):
        return _list_within(wanted, live or [])
    return wanted == live or _equal(wanted, live)


def _list_within(wanted: list[Any], live: Any) -> bool:
    if not isinstance(live, list) or len(wanted) > len(live):
        return False
    key = next((key for key in _KEYS if _keyed(wanted, key) and _keyed(live, key)), None)
    if key is None:
        return len(wanted) == len(live) and all(map(_within, wanted, live))
    by_key = {each[key]: each for each in live}
    return all(each[key] in by_key and _within(each, by_key[each[key]]) for each in wanted)


def _keyed(items: list[Any], key: str) -> bool:
    values = [each.get(key) for each in items if isinstance(each, Mapping)]
    return len(values) == len(items) and None not in values and len(set(map(str, values))) == len(items)


def _equal(wanted: Any, live: Any) -> bool:
    if live is None:
        return wanted in ("", 0, False, None)
    if isinstance(wanted, bool) or isinstance(live, bool):
        return False
    number = quantity(wanted)
    return number is not None and number == quantity(live)


def quantity(value: Any) -> Decimal | None:
    """The number that Kubernetes reads in a quantity; None for another text."""
    text = str(value)
    digits = text.rstrip("numkMGTPEi")
    try:
        return Decimal(digits) * (_SUFFIXES[text[len(digits) :]] if len(digits) < len(text) else 1)
    except (InvalidOperation, KeyError):
        return None
