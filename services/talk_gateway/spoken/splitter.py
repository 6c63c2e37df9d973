"""A streamed reply becomes pieces for the speech provider: sentence by sentence, as early as each is certain."""

from __future__ import annotations

from dataclasses import dataclass

import regex

from talk_gateway.spoken.cuts import CONTEXT, Span, clause_cut, forced_cut
from talk_gateway.spoken.items import ITEM, at_item
from talk_gateway.spoken.letters import LINE_END, STOP, skip_space
from talk_gateway.spoken.lines import at_line_end, fence_begins, reasoning_begins
from talk_gateway.spoken.silent import Fence, Reasoning, SilentBlock
from talk_gateway.spoken.spans import at_span
from talk_gateway.spoken.speakable import speakable
from talk_gateway.spoken.stops import at_stop
from talk_gateway.spoken.verdict import Kind, Verdict, cut, wait

_POINT = regex.compile(
    rf"(?P<item>{ITEM})|(?P<span>!?\[|[`$<\\])|(?P<line>{LINE_END.pattern})|{STOP}|(?<=\p{{Greek}});(?=\s|\Z)|(?<=\p{{Armenian}}):(?=\s|\Z)",
    regex.V1,
)
# So much of a long text is looked at in one go: each piece that leaves copies what is behind it.
_GO = 4096
LEAST_CLAUSE = 25
"""Characters that make a first clause worth a request of its own: about a second and a half of speech."""


@dataclass(frozen=True, slots=True)
class Piece:
    """`text` as in the reply, without white space around it; `spoken` for the provider, '' for nothing to say."""

    text: str
    spoken: str


class SpeechSplitter:
    """One turn's reply, fed as it comes. `now` is any clock in seconds; nothing here reads one.

    Without pauses the pieces do not depend on how the text was cut into tokens (but for the first clause). A piece has
    at most `max_characters`, unless it is one code fence, block of reasoning or link that is itself longer. A sentence
    whose stop is the last thing received leaves after `settle_seconds`. `first_clause` lets the first spoken piece of
    the turn end with a clause, so that speech starts early.
    """

    def __init__(self, *, max_characters: int = 400, settle_seconds: float = 0.3, first_clause: bool = True) -> None:
        self._bound = max_characters
        self._settle = settle_seconds
        self._clause_allowed = first_clause
        self._start_message()

    def _start_message(self) -> None:
        self._block: SilentBlock | None = None
        self._head = True
        self._line_start = True
        self._due: float | None = None
        self._pend("")

    def _pend(self, text: str) -> None:
        """`text` is what no piece has yet."""
        self._text = text
        self._read = 0
        self._finished = 0
        self._block_ruled_out = False
        self._spans: list[Span] = []

    @property
    def due(self) -> float | None:
        """When `poll` should be called at the latest, None if nothing waits for it."""
        return self._due

    def feed(self, text: str, now: float) -> list[Piece]:
        """The pieces that are certain with this text."""
        pieces: list[Piece] = []
        for at in range(0, len(text), _GO):
            pieces += self._fed(text[at : at + _GO], now)
        return pieces

    def _fed(self, text: str, now: float) -> list[Piece]:
        waited_at = self._read
        self._text += text
        pieces = self._advance(final=False)
        self._set_due(now, moved=bool(pieces) or self._read != waited_at)
        return pieces

    def poll(self, now: float) -> list[Piece]:
        """A finished sentence that has waited long enough."""
        if self._due is None or now < self._due:
            return []
        pieces = [self._cut(self._finished), *self._advance(final=False)]
        self._set_due(now, moved=True)
        return pieces

    def end_message(self) -> list[Piece]:
        """All that is left: a message of the model has ended, by a tool call or with the reply."""
        pieces = self._advance(final=True)
        if self._block:
            pieces.append(Piece(self._block.text().strip(), ""))
        elif self._text:
            pieces.append(self._cut(len(self._text)))
        self._start_message()
        return pieces

    def _set_due(self, now: float, *, moved: bool) -> None:
        if not self._finished:
            self._due = None
        elif moved or self._due is None:
            self._due = now + self._settle

    def _advance(self, *, final: bool) -> list[Piece]:
        pieces: list[Piece] = []
        self._finished = 0
        while self._skip_space():
            piece = self._silent_piece() if self._in_block(final) else self._spoken_piece(final)
            if piece is None:
                break
            pieces.append(piece)
        return pieces

    def _skip_space(self) -> bool:
        """Inside a block white space stays. False when nothing is left to read."""
        start = 0 if self._block else skip_space(self._text, 0)
        if start:
            self._line_start = self._line_start or bool(LINE_END.search(self._text, 0, start))
            self._pend(self._text[start:])
        return bool(self._text)

    def _in_block(self, final: bool) -> bool | None:
        """None while it takes more text to tell."""
        if self._block or self._block_ruled_out:
            return self._block is not None
        tag = reasoning_begins(self._text, final) if self._head else ""
        fence = fence_begins(self._text, 0, final)
        if tag:
            self._block = Reasoning(tag)
        elif fence:
            self._block = Fence(fence)
        elif tag is None or fence is None:
            return None
        self._block_ruled_out = self._block is None
        return self._block is not None

    def _silent_piece(self) -> Piece | None:
        assert self._block is not None
        rest = self._block.feed(self._text)
        if rest is None:
            self._text = ""
            return None
        piece = Piece(self._block.text().strip(), "")
        self._block = None
        self._head = False
        self._line_start = True
        self._pend(rest)
        return piece

    def _spoken_piece(self, final: bool) -> Piece | None:
        verdict = self._boundary(final) if self._block_ruled_out else wait()
        if verdict.kind is Kind.CUT:
            return self._cut(verdict.at)
        self._finished = verdict.at
        if final or verdict.at or not self._clause_allowed:
            return None
        clause = clause_cut(self._text, LEAST_CLAUSE, min(self._read, self._bound), self._spans)
        return self._cut(clause) if clause else None

    def _boundary(self, final: bool) -> Verdict:
        """The first boundary of the pending text, or WAIT."""
        while True:
            point = _POINT.search(self._text, self._read)
            start = point.start() if point else len(self._text)
            if start > self._bound or (point and start == self._bound and not point["line"]):
                return self._forced(final)
            self._read = start
            if point is None:
                return wait()
            verdict = self._verdict(point, final)
            if verdict.kind is Kind.CUT and verdict.at > self._bound:
                return self._forced(final)
            if verdict.kind is not Kind.GO_ON:
                return verdict
            if verdict.protected:
                self._spans.append((start, verdict.at))
            self._read = verdict.at

    def _forced(self, final: bool) -> Verdict:
        if len(self._text) < self._bound + CONTEXT and not final:
            return wait()
        return cut(forced_cut(self._text, self._bound, self._spans))

    def _verdict(self, point: regex.Match[str], final: bool) -> Verdict:
        if point["span"]:
            return at_span(self._text, point.start(), final)
        if point["line"]:
            return at_line_end(self._text, point.start(), final)
        if point["item"]:
            return at_item(self._text, point.start(), final)
        return at_stop(self._text, point.start(), final)

    def _cut(self, at: int) -> Piece:
        raw = self._text[:at].strip()
        piece = Piece(raw, speakable(raw, line_start=self._line_start))
        if piece.spoken:
            self._clause_allowed = False
        self._line_start = False
        self._head = False
        self._pend(self._text[at:])
        return piece
