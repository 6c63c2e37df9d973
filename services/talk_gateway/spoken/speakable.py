"""What the speech provider is given of a piece: its words, without marks of Markdown, code, link targets and emoji."""

from __future__ import annotations

import html

import regex

from talk_gateway.spoken.letters import VOICED

# Noncharacters stand for what was escaped, so that no later step takes it for a mark. They never come from a reply.
_KEPT_BASE = 0xFDD0
_KEPT_CHARACTERS = "*_`#~[]()<>|!{}+-.\\$"
_KEPT = {character: chr(_KEPT_BASE + index) for index, character in enumerate(_KEPT_CHARACTERS)}
_KEEP = str.maketrans(_KEPT)
_GIVE_BACK = str.maketrans({kept: character for character, kept in _KEPT.items()})
_NONCHARACTERS = regex.compile(r"[\uFDD0-\uFDEF]")

_FENCE = regex.compile(r"\A(?:>[ \t]*)*(?:`{3,}[^`\n]*(?:\n|\Z)|~{3,})")
_CODE = regex.compile(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", regex.DOTALL)
_ESCAPED = regex.compile(r"\\([*_`#~\[\](){}<>|!+\-.\\$])")
_COMMENT = regex.compile(r"<!--.*?-->", regex.DOTALL)
_LINE_BREAK_TAG = regex.compile(r"</?(?:br|hr|p|li|ul|ol|div|tr|td|th|h[1-6])\b[^<>\n]*>", regex.IGNORECASE)
_TAG = regex.compile(
    r"</?(?:a|abbr|audio|b|big|blockquote|body|button|center|cite|code|dd|del|details|dl|dt|em|font|head|html|i|img|input|ins|"
    r"kbd|main|mark|pre|q|s|samp|script|section|small|span|strike|strong|style|sub|summary|sup|svg|table|tbody|tfoot|thead|"
    r"u|var|video)\b[^<>\n]*>",
    regex.IGNORECASE,
)
_IMAGE = regex.compile(r"!\[([^\]\n]*)\](?:\((?:[^()\n]|\([^()\n]*\))*\)|\[[^\]\n]*\])")
_LINK = regex.compile(r"\[((?:[^\[\]\n]|\[[^\[\]\n]*\])*)\](?:\((?:[^()\n]|\([^()\n]*\))*\)|\[[^\]\n]*\])")
_REFERENCE = regex.compile(r"(?m)^[ \t]*\[[^\]^\n]+\]:[ \t]*<?\S+>?.*$")
_FOOTNOTE = regex.compile(r"[ \t]*\[\^[^\]\n]{1,40}\]:?|【[^】\n]*】")
_AUTOLINK = regex.compile(r"<((?:[a-z][a-z0-9+.-]{1,10}:|[^\s<>@]+@)[^\s<>]+)>", regex.IGNORECASE)

_FORMULA = regex.compile(
    r"\$\$(.+?)\$\$|(?<!\w)\$(?=[^\s$])((?:[^$\n])*?[^\s$])\$(?!\d)|\\\((.+?)\\\)|\\\[(.+?)\\\]", regex.DOTALL
)
_FORMULA_WORDS = (
    (regex.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"\1 / \2"),
    (regex.compile(r"\\(?:text|mathrm|mathbf|operatorname)\s*\{([^{}]*)\}"), r" \1 "),
    (regex.compile(r"\\(?:times|cdot)\b"), " × "),
    (regex.compile(r"\\(?:left|right|quad|displaystyle|,|;|!)"), " "),
    (regex.compile(r"\\([A-Za-z]+)"), r"\1"),
    (regex.compile(r"[{}\\]"), ""),
)

_RULE = regex.compile(r"(?m)^[ \t]*(?:(?:[-*_=]|\p{Pd})[ \t]*){2,}$")
_TABLE_RULE = regex.compile(r"(?m)^[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?)?[ \t]*$")
_QUOTED = r"[ \t]*(?:>[ \t]*)*"
_BULLET = r"[-–*+•◦▪‣⁃·●○][ \t]+(?:\[[ xX]\][ \t]+)?"
_HEADING = r"#{1,6}[ \t]+"
_LINE_MARKS = regex.compile(rf"\A{_QUOTED}(?:{_HEADING}|{_BULLET})?(?:{_HEADING})?")
_INNER_LINE_MARKS = regex.compile(rf"\n{_QUOTED}(?:{_HEADING}|{_BULLET})?")
_NUMBERED_TASK = regex.compile(r"(?m)^([ \t]*\d{1,3}[.)][ \t]+)\[[ xX]\][ \t]+")
_HEADING_TAIL = regex.compile(r"(?m)[ \t]+#+[ \t]*$")
_BARS = regex.compile(r"(?m)^[ \t]*\|[ \t]*|[ \t]*\|[ \t]*$")
_INNER_BAR = regex.compile(r"[ \t]*(?<=\s)\|(?=\s)[ \t|]*")
_TIGHT_BAR = regex.compile(r"[ \t]*\|[ \t]*")

_EMPHASIS = tuple(
    regex.compile(pattern, regex.DOTALL)
    for pattern in (
        r"(?<![\d*])\*\*\*(?=\S)(.+?)(?<=\S)\*\*\*(?!\*)",
        r"(?<![*])\*\*(?=[^\s*])(.+?)(?<=[^\s*]|[^\s]\*)\*\*(?!\*)(?<!\d\*\*\d)",
        r"(?<![*\\])\*(?=[^\s*])([^*]+?)(?<=[^\s*])\*(?!\*)",
        r"(?<![\p{L}\p{N}_])___?(?=[^\s_])(.+?)(?<=[^\s_])___?(?![\p{L}\p{N}_]|\.\p{L})",
        r"(?<![\p{L}\p{N}_])_(?=[^\s_])([^_]+?|.+?)(?<=[^\s_])_(?![\p{L}\p{N}_])",
        r"~~(?=\S)(.+?)(?<=\S)~~",
    )
)
_OPENS = r"(?<![^\s\"'“‘«(\[*_~])"
_SHUTS = r"(?![^\s\"'”’»)\].,;:!?…*_~])"
_LONE_MARK = regex.compile(  # the other half is in another piece
    rf"{_OPENS}(?:\*{{1,3}}(?!\.\p{{L}})|(?<!_)_{{1,3}}(?=[^\s_]+(?:\s|\Z))|~~)(?=[^\s*_~])"
    rf"|(?<=[^\s*_~])(?:\*{{2,3}}|_{{2,3}}(?!\.\p{{L}})|~~){_SHUTS}"
    rf"|(?<=\p{{L}}|[.,;:!?…])[*_](?![*_~]){_SHUTS}"
    r"|(?<=\p{L}|[.!?])\*\*(?=\p{L})"
)
_BETWEEN_FACTORS = regex.compile(r"(?<=\d)\*{1,2}(?=\d)|(?<=\b\p{L})\*(?=\p{L}\b)")

_PICTURE = (
    r"(?:[\p{Extended_Pictographic}--[©®™‼⁉ℹ〰〽㊗㊙\d#*]]|[©®™ℹ〰〽㊗㊙]\ufe0f"
    r"|\p{Regional_Indicator}|\p{Emoji_Modifier})"
)
_EMOJI = regex.compile(
    rf"{_PICTURE}(?:[\ufe0f\u20e3\U000E0020-\U000E007F]|\u200d(?:{_PICTURE}|[♀♂])|\p{{Emoji_Modifier}})*", regex.V1
)
# A whole run at once: one that gave back and began anew at each picture took seconds for a line of flags.
_PICTURES = regex.compile(rf"[ \t]*+(?:(?:{_EMOJI.pattern})[ \t]*+)++(?P<mark>(?=[.,;:!?…]))?", regex.V1)
_KEYCAP = regex.compile(r"([\d#*])\ufe0f?\u20e3")
_LEFT_OVER = regex.compile(r"[\ufe0e\ufe0f\u20e3\u2060\ufeff\u200b]")
_SPACES = regex.compile(r"[^\S\u00a0\u202f\u2007]+")
_LEADING_DOTS = regex.compile(r"\A(?:[.…‥⋯]{2,}|…|[.,;:!?。，、；：](?=\s))[\s.…]*(?=\S)")


def speakable(text: str, *, line_start: bool = True) -> str:
    """The words of one piece on one line, '' if it holds neither letter nor digit to be said.

    `line_start` is False for a piece from the middle of a line, whose first dash or number sign is no mark of a list.
    """
    if _FENCE.match(text):
        return ""
    words = _NONCHARACTERS.sub("", text)
    if not words.isalnum():
        words = _without_pictures(_without_marks(_without_targets(words), line_start)).translate(_GIVE_BACK)
    words = _LEADING_DOTS.sub("", _SPACES.sub(" ", words).strip()).strip()
    return words if VOICED.search(words) else ""


def _without_targets(text: str) -> str:
    """Code keeps its words, links their label, images their description, formulas their names."""
    text = _CODE.sub(lambda code: code[2].strip().translate(_KEEP), text)
    text = _FORMULA.sub(_formula, text)
    text = _ESCAPED.sub(lambda escaped: _KEPT[escaped[1]], text)
    text = _IMAGE.sub(r"\1", text)
    text = _LINK.sub(r"\1", _REFERENCE.sub("", _FOOTNOTE.sub("", text)))
    text = _AUTOLINK.sub(lambda link: link[1].removeprefix("mailto:").translate(_KEEP), text)
    text = _TAG.sub("", _LINE_BREAK_TAG.sub(" ", _COMMENT.sub("", text)))
    return html.unescape(text) if "&" in text else text


def _formula(found: regex.Match[str]) -> str:
    words = next(group for group in found.groups() if group is not None)
    for pattern, replacement in _FORMULA_WORDS:
        words = pattern.sub(replacement, words)
    return str(words.translate(_KEEP))


def _without_marks(text: str, line_start: bool) -> str:
    is_row = text.lstrip("> \t").startswith("|")
    text = _TABLE_RULE.sub("", _RULE.sub("", text))
    text = _LINE_MARKS.sub("", text) if line_start else text
    text = _HEADING_TAIL.sub("", _NUMBERED_TASK.sub(r"\1", _INNER_LINE_MARKS.sub("\n", text)))
    if "|" in text:
        text = (_TIGHT_BAR if is_row else _INNER_BAR).sub(", ", _BARS.sub("", text) if is_row else text)
    text = _BETWEEN_FACTORS.sub(lambda stars: stars[0].translate(_KEEP), text)
    for emphasis in _EMPHASIS:
        text = emphasis.sub(r"\1", text)
    return str(_LONE_MARK.sub("", text).replace("`", ""))


def _without_pictures(text: str) -> str:
    if text.isascii():
        return text
    text = _KEYCAP.sub(r"\1", text)
    return str(_LEFT_OVER.sub("", _PICTURES.sub(lambda run: " " if run["mark"] is None else "", text)))
