"""Lists written in one line: '1) Open the app 2) Press the key', '• One • Two'."""

from __future__ import annotations

import regex

from talk_gateway.spoken.verdict import Verdict, cut, go_on, wait

ITEM = r"(?<=\s)[•▪◦‣](?=\s|\Z)|(?<=\s\p{Nd}{1,2}\.?)\)(?=\s|\Z)"
_NUMBER = regex.compile(r"(?<=\s)\p{Nd}{1,2}(?=\.?\Z)")
_FIRST = regex.compile(r"[^\p{L}\p{N}\p{Sc}]{0,6}(\p{Nd}{1,2})\.?[.)]\s")


def at_item(text: str, start: int, final: bool) -> Verdict:
    """`start` is a bullet, or the bracket behind a number, inside a line; `text` begins where the piece begins."""
    if start + 1 == len(text) and not final:
        return wait()
    begins = start if text[start] != ")" else item_before(text, start)
    return cut(begins) if begins else go_on(start + 1)


def item_before(text: str, end: int) -> int:
    """Where the number that ends at `end` begins, if it counts on from the number the piece begins with; else 0."""
    number = _NUMBER.search(text, max(0, end - 4), end)
    first = _FIRST.match(text)
    return number.start() if number and first and int(number.group()) == int(first[1]) + 1 else 0
