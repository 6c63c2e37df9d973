"""Ways to stream a reply through the splitter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from talk_gateway.spoken import Piece, SpeechSplitter

PAUSE = 3.0


def split(parts: Iterable[str], *, first_clause: bool = False, max_characters: int = 400) -> list[Piece]:
    """The pieces of a reply that comes in `parts`, where `<<PAUSE ...>>` and `<<TOOL CALL>>` are events."""
    splitter = SpeechSplitter(first_clause=first_clause, max_characters=max_characters)
    pieces: list[Piece] = []
    now = 0.0
    for part in parts:
        now += 0.01
        if part.startswith("<<PAUSE"):
            now += PAUSE
            pieces += splitter.poll(now)
        elif part == "<<TOOL CALL>>":
            pieces += splitter.end_message()
        else:
            pieces += splitter.feed(part, now)
    return pieces + splitter.end_message()


def chopped(text: str, lengths: Iterable[int]) -> Iterator[str]:
    """`text` in parts of the given lengths, the last of which takes the rest."""
    at = 0
    for length in lengths:
        yield text[at : at + length]
        at += length
    yield text[at:]


def without_space(text: str) -> str:
    return "".join(text.split())
