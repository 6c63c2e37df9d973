# ruff: noqa: SIM905 - lists of words read best as words
"""E-mail addresses, web addresses and file names, read as people say them: "a dot b at example dot com"."""

from __future__ import annotations

import re

from talk_local.speech.rules import Rule, rule, spelled

_SIGNS = {
    ".": " dot ", "-": " dash ", "_": " underscore ", "/": " slash ", "@": " at ", ":": " colon ",
    "?": " question mark ",
    "=": " equals ", "&": " and ", "%": " percent ", "#": " hash ", "~": " tilde ", "+": " plus ",
}  # fmt: skip
_SAID_AS_WORDS = frozenset("com org net info dev app edu gov mail main read setup test talk data index config".split())
_SUFFIXES = "com|org|net|edu|gov|io|ai|dev|app|in|co|uk|us|de|fr|eu|info|me|tv|ca|au|jp|ch|nl|xyz|local"
_FILES = (
    "py|js|ts|tsx|yaml|yml|json|md|txt|pdf|csv|html|css|sh|go|rs|toml|docx?|xlsx?|pptx?|png|jpe?g|gif|svg|mp[34]|"
    "wav|zip|exe"
)
# A full stop or comma after an address belongs to the sentence.
_LAST = r"[\w/=&%~#+-]"


def said(address: str) -> str:
    """Signs by their names, parts as words where they can be said, else by their letters."""
    pieces = re.findall(r"[A-Za-z]+|\d+|[^\sA-Za-z\d]", address)
    return " ".join(_piece(piece) for piece in pieces).replace("  ", " ").strip()


def _piece(piece: str) -> str:
    if not piece.isalpha():
        return _SIGNS.get(piece, piece if piece.isdigit() else " ").strip()
    if piece.lower() in _SAID_AS_WORDS or (len(piece) > 3 and re.search("[aeiouyAEIOUY]", piece)):
        return piece.lower()
    return spelled(piece)


def _url(match: re.Match[str]) -> str:
    address = re.sub(r"^(?:(?:https?|ftp)://)?(?:www\.)?", "", match[0])
    host, _, path = address.partition("/")
    path = path.partition("?")[0].rstrip("/")
    return said(host) + (f" slash {said(path)}" if path else "")


RULES: list[Rule] = [
    rule(r"\bmailto:", ""),
    rule(rf"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.{'[A-Za-z]{2,}'}", lambda m: said(m[0])),
    rule(rf"\b(?:https?|ftp)://[^\s<>\"')]*{_LAST}/?", _url),
    rule(rf"\bwww\.[^\s<>\"')]*{_LAST}", _url),
    rule(rf"\blocalhost:\d+(?:/[^\s<>\"')]*{_LAST})?", _url),
    rule(rf"(?<![\w.@])(?:[A-Za-z0-9-]+\.)+(?:{_SUFFIXES})\b(?:/[^\s<>\"')]*{_LAST})?(?![\w@])", _url),
    rule(rf"(?<![\w.@/])[\w-]+\.(?:{_FILES})\b", lambda m: said(m[0])),
    rule(r"(?<![\w/])@(\w+)", lambda m: "at " + said(m[1])),
    rule(r"(?<![\w&])#([A-Za-z]\w*)", lambda m: "hashtag " + m[1]),
]
