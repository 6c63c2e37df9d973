"""Tool calls from their fragments. Servers number, name and split them in every way that the format allows.

Fragments belong together by id, then by index, then by following each other. A fragment that starts a call anew
(another id; or, without one, a name when the call before it is whole) is another call.
"""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Iterable, Set
from typing import Any, NamedTuple

from talk_agent.models.pieces import HALF, ToolCall, whole_characters

_ID_ALPHABET = string.ascii_letters + string.digits
_LEGACY_INDEX = -1
# Providers take 64 characters; a name that comes in pieces grows no more from here.
_LONGEST_NAME = 256
# What tells where a JSON value ends; an escape is one mark, of which a piece may have the first half.
_MARK = re.compile(r'\\.?|["{}\[\]]', re.DOTALL)


def new_call_id() -> str:
    """A call id that every provider takes: Mistral wants exactly nine letters and digits."""
    return "".join(secrets.choice(_ID_ALPHABET) for _ in range(9))


def parse_arguments(raw: str) -> dict[str, Any] | None:
    """The arguments; `{}` for an empty string (a tool without parameters), None for anything but an object.

    Some servers encode the object twice; that is undone.
    """
    if not raw.strip():
        return {}
    try:
        value = _loads(raw)
        value = _loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None
    return _storable(value) if isinstance(value, dict) else None


def _storable(value: dict[str, Any]) -> dict[str, Any]:
    """The same, without halves of characters: no store and no provider takes them."""
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(whole_characters(text)) if HALF.search(text) else value


def _loads(raw: str) -> Any:
    return json.loads(raw, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


class _Fragment(NamedTuple):
    id: str
    place: int | None  # the member `index`
    name: str
    arguments: str | None
    whole: bool  # arguments came as an object, not as a piece of a string


class _FirstValue:
    """Where the first JSON object, or string, of a text ends, as its pieces come: each character is seen once."""

    def __init__(self) -> None:
        self.ended = False
        self.more = False  # more than white space behind it
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def feed(self, piece: str) -> None:
        if self.ended:
            self.more = self.more or bool(piece.strip())
            return
        start = int(self._escaped)
        self._escaped = False
        for mark in _MARK.finditer(piece, start):
            self._take(mark[0])
            if self.ended:
                self.more = bool(piece[mark.end() :].strip())
                return

    def _take(self, mark: str) -> None:
        if mark[0] == "\\":
            self._escaped = len(mark) == 1
        elif mark == '"':
            self._in_string = not self._in_string
            self.ended = not self._in_string and not self._depth
        elif not self._in_string:
            self._depth += 1 if mark in "{[" else -1
            self.ended = self._depth <= 0


class _Draft:
    """A call while its fragments come."""

    def __init__(self, index: int | None) -> None:
        self.id = ""
        self.index = index
        self.name = ""
        self._start_arguments()

    def _start_arguments(self) -> None:
        self.parts: list[str] = []
        self._begun = False
        self._value = _FirstValue()
        self._is_object: bool | None = None

    @property
    def whole(self) -> bool:
        """Whether the arguments so far are an object. They are parsed once, when they may be."""
        if not self._value.ended or self._value.more:
            return False
        if self._is_object is None:
            self._is_object = parse_arguments("".join(self.parts)) is not None
        return self._is_object

    def take(self, fragment: _Fragment) -> None:
        self.id = self.id or fragment.id
        self._take_name(fragment.name)
        if fragment.whole:
            self._start_arguments()
        if arguments := fragment.arguments:
            self.parts.append(arguments)
            self._begun = self._begun or bool(arguments.strip())
            self._value.feed(arguments)

    def _take_name(self, name: str) -> None:
        """The name comes whole, in pieces, or again with every fragment."""
        if not name or name == self.name or self._begun:
            self.name = self.name or name
        elif name.startswith(self.name):
            self.name = name
        elif len(self.name) < _LONGEST_NAME:
            self.name += name

    def arguments(self) -> dict[str, Any] | None:
        """Joined; or the last fragment where each one repeats those before it, whole."""
        joined = parse_arguments("".join(self.parts))
        if joined is not None or len(self.parts) < 2:
            return joined
        *earlier, last = (part.strip() for part in self.parts)
        if all(last.startswith(part) or part == "{}" for part in earlier):
            return parse_arguments(last)
        return None


class CallAssembler:
    """Fragments in, whole calls out, in the order in which they began. `taken` ids are not given twice.

    Ids of the provider are kept (some templates read them), but one that the history already holds is replaced:
    results find their call by it.
    """

    def __init__(self, taken: Set[str] = frozenset()) -> None:
        self._taken = set(taken)
        self._drafts: list[_Draft] = []
        self._by_id: dict[str, _Draft] = {}
        self._by_index: dict[int, _Draft] = {}

    def __bool__(self) -> bool:
        return bool(self._drafts)

    def add(self, items: Any) -> bool:
        """Takes a delta's `tool_calls`, whatever their shape. Whether there was any fragment in them."""
        fragments = [_fragment(item) for item in _listed(items) if isinstance(item, dict)]
        for fragment in fragments:
            self._add(fragment)
        return bool(fragments)

    def add_legacy(self, item: Any) -> bool:
        """Takes a delta's `function_call`: the one call of the format before `tool_calls`."""
        return isinstance(item, dict) and self.add([{**item, "index": _LEGACY_INDEX}])

    def calls(self) -> list[ToolCall]:
        """The whole calls. One without name and arguments is none."""
        return [self._call(draft) for draft in self._drafts if draft.name or "".join(draft.parts).strip()]

    def _call(self, draft: _Draft) -> ToolCall:
        id_ = draft.id if draft.id and draft.id not in self._taken else new_call_id()
        self._taken.add(id_)
        return ToolCall(id_, draft.name.strip(), draft.arguments() if draft.name.strip() else None)

    def _add(self, fragment: _Fragment) -> None:
        draft = self._belongs(fragment)
        if draft is None:
            draft = _Draft(fragment.place)
            self._drafts.append(draft)
        draft.take(fragment)
        if fragment.id:
            self._by_id[fragment.id] = draft
        if fragment.place is not None:
            self._by_index[fragment.place] = draft

    def _belongs(self, fragment: _Fragment) -> _Draft | None:
        known = self._by_id.get(fragment.id) if fragment.id else None
        if known is not None:
            return None if _repeats_id(known, fragment) else known
        last = self._latest(fragment)
        if last is None or _restarts(last, fragment):
            return None
        return None if fragment.id and last.id else last  # an id may come late

    def _latest(self, fragment: _Fragment) -> _Draft | None:
        last = self._drafts[-1] if self._drafts else None
        if fragment.place is None:
            return last
        loose = None if fragment.id or fragment.name else last
        return self._by_index.get(fragment.place, loose)


def _repeats_id(known: _Draft, fragment: _Fragment) -> bool:
    """Whether a server gave one id to two calls: another index, with a name, after the first was whole."""
    moved = fragment.place is not None and known.index is not None and fragment.place != known.index
    return moved and bool(fragment.name) and known.whole


def _restarts(last: _Draft, fragment: _Fragment) -> bool:
    """Whether a fragment that no id ties to `last` begins a call of its own."""
    if not fragment.name or not last.name:
        return False
    if fragment.name == last.name:
        return bool(fragment.arguments) and last.whole
    if fragment.place is None or fragment.id:
        return True
    return bool(fragment.arguments) and not fragment.name.startswith(last.name)


def _listed(items: Any) -> Iterable[Any]:
    if isinstance(items, dict):
        return [items]
    return items if isinstance(items, list) else []


def _fragment(item: dict[str, Any]) -> _Fragment:
    function = item.get("function")
    function = function if isinstance(function, dict) else item
    id_, index, name = item.get("id"), item.get("index"), function.get("name")
    arguments = function.get("arguments")
    whole = arguments is not None and not isinstance(arguments, str)
    return _Fragment(
        id=whole_characters(str(id_)) if id_ not in (None, "") else "",
        place=index if isinstance(index, int) and not isinstance(index, bool) else None,
        name=whole_characters(name) if isinstance(name, str) else "",
        arguments=json.dumps(arguments) if whole else arguments,
        whole=whole,
    )
