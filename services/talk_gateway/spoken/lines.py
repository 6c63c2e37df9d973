"""Lines: which of their ends are boundaries, and what opens a block that is shown but never read."""

from __future__ import annotations

import regex

from talk_gateway.spoken.letters import LINE_END, UNBOUND, VOICED, is_lower, line_ends, skip_space
from talk_gateway.spoken.periods import belongs_to_next
from talk_gateway.spoken.verdict import Verdict, cut, go_on, wait

_HEADING = regex.compile(r"#{1,6}[ \t]")
_LETTER_ITEM = regex.compile(r"(?:[a-z]|[ivx]{1,4})[.)][ \t]")
_LETTER_ITEM_BEGUN = regex.compile(r"(?:[a-z]|[ivx]{1,4})[.)]?\Z")
_NUMBER_ITEM = regex.compile(r"\p{Nd}{1,3}[.)、][ \t]?")
_NUMBER_ITEM_BEGUN = regex.compile(r"\p{Nd}{1,3}\Z")
_CONTINUES = frozenset(")]}”’»!?,;:%。，、")
_OPEN_ENDED = regex.compile(
    r"(?:[,،，、(\[{“«/&+-]|(?:^|\s)(?:the|a|an|of|and|or|to|in|on|for|with|by|at|from|as|is|are|was|were|that|which|than|"
    r"der|die|das|den|dem|und|oder|von|mit|de|la|le|les|el|los|las|du|des|et|y|o|e|del|di|il))\Z",
    regex.IGNORECASE,
)
_HARD_BREAK = regex.compile(r"(?:[ \t]{2}|\\)\Z")
_QUOTE = regex.compile(r"(?:>[ \t]{0,8}){1,8}")

_FENCE = regex.compile(r"(?:>[ \t]{0,8}){0,8}(?P<mark>`{3,32}|~{3,32})(?P<info>[^`\n]{0,200})\n")
_FENCE_BEGUN = regex.compile(r"(?:>[ \t]{0,8}){0,8}(?:`{1,2}|~{1,2}|(?P<mark>`{3,32}|~{3,32})[^`\n]{0,200})?\Z")
_REASONING = ("think", "thinking", "thought", "reasoning")
_THINK = regex.compile(rf"<(?P<tag>{'|'.join(_REASONING)})>", regex.IGNORECASE)
_LONGEST_TAG = max(map(len, _REASONING)) + 2


def at_line_end(text: str, start: int, final: bool) -> Verdict:
    """`start` is the first line end behind the words of a line; `text` begins where the piece begins."""
    following = skip_space(text, start)
    if following == len(text) and final:
        return go_on(following)
    line = text[_line_start(text, start) : start]
    if line_ends(text, start, following) > 1 or following - start > UNBOUND or _ends_its_line(line):
        return cut(start)
    if following == len(text):
        return wait(start)
    return _before_next_line(text, start, line, following, final)


def _line_start(text: str, end: int) -> int:
    start = 0
    for line_end in LINE_END.finditer(text, max(0, end - 512), end):
        start = line_end.end()
    return start


def _ends_its_line(line: str) -> bool:
    if not VOICED.search(line) or _HEADING.match(line) or _HARD_BREAK.search(line):
        return True
    return line.rstrip().endswith((":", "|", "："))


def _is_open_ended(line: str) -> bool:
    line = line.rstrip()
    return bool(_OPEN_ENDED.search(line)) or (line.endswith(".") and belongs_to_next(line, len(line) - 1))


def _before_next_line(text: str, start: int, line: str, following: int, final: bool) -> Verdict:
    """A line that begins with a small letter, or follows one that cannot end there, was only wrapped."""
    quote = _QUOTE.match(text, following) if text.startswith(">") else None
    following = quote.end() if quote else following
    if following == len(text):
        return go_on(following) if final else wait(start)
    if is_lower(text[following]):
        return _unless_item(text, start, following, (_LETTER_ITEM, _LETTER_ITEM_BEGUN), final)
    if text[following] in _CONTINUES:
        return go_on(following)
    if _is_open_ended(line) and (text[following].isalnum() or text[following] in "\"“«'"):
        return _unless_item(text, start, following, (_NUMBER_ITEM, _NUMBER_ITEM_BEGUN), final)
    return cut(start)


def _unless_item(
    text: str, start: int, following: int, item: tuple[regex.Pattern[str], regex.Pattern[str]], final: bool
) -> Verdict:
    whole, begun = item
    if whole.match(text, following):
        return cut(start)
    if not final and begun.match(text, following):
        return wait(start)
    return go_on(following)


def fence_begins(text: str, at: int, final: bool) -> str | None:
    """The mark of the code fence that begins at `at`, '' if none does, None if more text is needed."""
    fence = _FENCE.match(text, at)
    if fence:
        return str(fence["mark"])
    begun = _FENCE_BEGUN.match(text, at)
    if not begun:
        return ""
    return str(begun["mark"] or "") if final else None


def reasoning_begins(text: str, final: bool) -> str | None:
    """The name of the tag when the text begins with a block of reasoning, '' if not, None if more text is needed."""
    opening = _THINK.match(text)
    if opening:
        return str(opening["tag"])
    begun = len(text) < _LONGEST_TAG and any(f"<{tag}>".startswith(text.lower()) for tag in _REASONING)
    return None if begun and not final else ""
