"""Units inside a line that no cut may open: inline code, links, images, formulas, tags. All are bounded in length."""

from __future__ import annotations

import regex

from talk_gateway.spoken.lines import fence_begins
from talk_gateway.spoken.verdict import Verdict, cut, go_on, wait

_CODE = 300
_LABEL = 300
_TARGET = 2000
_FORMULA = 200
_DISPLAY = 1000
_PRICE = regex.compile(r"\$\d+(?:[.,]|[kKmMbB]|[^\w\\^{+=*/<>]|\Z)")
_VARIABLE = regex.compile(r"\$[A-Z_][A-Z0-9_]+(?![A-Za-z0-9_^\\$])")
_TAG = regex.compile(
    r"<(?:/?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>\n]{0,400})?/?"  # an element
    r"|[a-z]{2,10}:[^\s<>]{1,500}|[^\s<>@]{1,80}@[^\s<>]{1,200})>"  # an address
)
_TAG_BEGUN = regex.compile(
    r"<(?:/|/?[A-Za-z][A-Za-z0-9-]{0,20}(?:\s[^<>\n]{0,400})?"
    r"|[a-z]{2,10}:[^\s<>]{0,500}|[^\s<>@]{1,80}(?:@[^\s<>]{0,200})?)?\Z"
)
_COMMENT = regex.compile(r"<!--.{0,1000}?-->", regex.DOTALL)
_BLOCK = regex.compile(
    r"<(?P<end>/?)(?P<name>br|hr|p|li|ul|ol|div|h[1-6]|tr|table|blockquote|details|summary)\b", regex.IGNORECASE
)


def at_span(text: str, start: int, final: bool) -> Verdict:
    """`start` is one of `` ` $ \\ [ ![ < ``. Where it opens nothing, reading goes on behind it."""
    mark = text[start]
    if mark == "`":
        return _code(text, start, final)
    if mark == "<":
        return _tag(text, start, final)
    if mark in "[!":
        return _link(text, start, final)
    if mark == "$":
        return _formula(text, start, final)
    return _escape(text, start, final)


def _code(text: str, start: int, final: bool) -> Verdict:
    run = start
    while run < len(text) and text[run] == "`":
        run += 1
    ticks = run - start
    if run == len(text):
        return go_on(run) if final or ticks > _CODE else wait()
    if ticks >= 3 and start > 0:
        fence = fence_begins(text, start, final)
        if fence != "":
            return cut(start) if fence else wait()
    return _closed_by(text, run, regex.compile(rf"(?<!`)`{{{ticks}}}(?!`)"), _CODE, final)


def _closed_by(text: str, inside: int, closing: regex.Pattern[str], longest: int, final: bool) -> Verdict:
    """The span ends with `closing` on the same line and within `longest` characters, or there is none."""
    bound = inside + longest
    line = text.find("\n", inside, bound)
    end = line if line >= 0 else bound
    found = closing.search(text, inside, end)
    whole = found and (found.end() < len(text) or final)
    if found and whole:
        return go_on(found.end(), protected=True)
    return go_on(inside) if final or len(text) > end else wait()


def _formula(text: str, start: int, final: bool) -> Verdict:
    if text.startswith("$$", start):
        return _display(text, start, final)
    if start + 1 == len(text):
        return go_on(start + 1) if final else wait()
    if text[start + 1].isspace():
        return go_on(start + 1)
    if text[start + 1].isdigit():
        price = _PRICE.match(text, start)
        if price:
            return wait() if price.end() == len(text) and text[-1].isdigit() and not final else go_on(start + 1)
    if (variable := _VARIABLE.match(text, start)) and variable.end() < len(text):
        return go_on(variable.end())
    return _closed_by(text, start + 1, regex.compile(r"(?<![\s\\])\$(?!\d)"), _FORMULA, final)


def _display(text: str, start: int, final: bool) -> Verdict:
    end = text.find("$$", start + 2, start + _DISPLAY)
    if end >= 0:
        return go_on(end + 2, protected=True)
    return go_on(start + 2) if final or len(text) >= start + _DISPLAY else wait()


def _escape(text: str, start: int, final: bool) -> Verdict:
    r"""`\(...\)` and `\[...\]` are formulas; any other escaped character is just passed."""
    if start + 1 == len(text):
        return go_on(start + 1) if final else wait()
    closing = {"(": r"\\\)", "[": r"\\\]"}.get(text[start + 1])
    if closing:
        return _closed_by(text, start + 2, regex.compile(closing), _FORMULA, final)
    return go_on(start + 1 if text[start + 1].isspace() else start + 2)


def _link(text: str, start: int, final: bool) -> Verdict:
    opening = start + (text[start] == "!")
    end = _balanced(text, opening, "[]", _LABEL)
    if end is None:
        return _unless_final(opening + 1, final)
    if end < 0:
        return go_on(opening + 1)
    if end == len(text) and not final:
        return wait()
    if text[end : end + 1] not in ("(", "["):
        return go_on(opening + 1)
    target = _balanced(text, end, "()" if text[end] == "(" else "[]", _TARGET)
    if target is None:
        return _unless_final(opening + 1, final)
    return go_on(target, protected=True) if target >= 0 else go_on(opening + 1)


def _unless_final(at: int, final: bool) -> Verdict:
    return go_on(at) if final else wait()


def _balanced(text: str, start: int, pair: str, longest: int) -> int | None:
    """Behind the bracket that closes the one at `start`; -1 if the line or the bound comes first, None if unknown."""
    depth = 0
    for at in range(start, min(len(text), start + longest)):
        character = text[at]
        if character == pair[0]:
            depth += 1
        elif character == pair[1]:
            depth -= 1
            if depth == 0:
                return at + 1
        elif character == "\n":
            return -1
    return None if len(text) < start + longest else -1


def _tag(text: str, start: int, final: bool) -> Verdict:
    tag = _TAG.match(text, start) or _COMMENT.match(text, start)
    if tag is None:
        begun = _TAG_BEGUN.match(text, start) or _comment_begun(text, start)
        return wait() if begun and not final else go_on(start + 1)
    block = _BLOCK.match(text, start)
    if block and (block["end"] or block["name"].lower() in ("br", "hr")):
        return cut(tag.end())
    return cut(start) if block and start > 0 else go_on(tag.end(), protected=True)


def _comment_begun(text: str, start: int) -> bool:
    begun = text[start : start + 4]
    return "<!--".startswith(begun) and len(text) < start + 1000
