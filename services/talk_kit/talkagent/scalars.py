"""Plain YAML scalars, read as kubectl reads them.

kubectl's parser is neither YAML 1.1 nor 1.2: `no` and `y` are booleans, `010` is eight, `1:30` and dates are
strings. Source: goyaml.v2/resolve.go in kubernetes-sigs/yaml.
"""

from __future__ import annotations

import math
import re

Scalar = str | bool | int | float | None

_TRUE = frozenset(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"])
_FALSE = frozenset(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"])
_NULL = frozenset(["", "~", "null", "Null", "NULL"])
_FLOATS = {
    **dict.fromkeys([".nan", ".NaN", ".NAN"], math.nan),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], math.inf),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], -math.inf),
}
_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?")
_INTEGER = re.compile(r"([-+]?)(0[xX][0-9a-fA-F]+|0[oO]?[0-7]+|0[bB][01]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_BASES = {"0x": 16, "0o": 8, "0b": 2}
_LONGEST_NUMBER = 64


def resolve(text: str) -> Scalar:
    """The value of a scalar without quotes and without a tag."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if text in _NULL:
        return None
    if text in _FLOATS:
        return _FLOATS[text]
    if text[0] in "+-.0123456789" and len(text) <= _LONGEST_NUMBER:
        return _number(text)
    return text


def _number(text: str) -> Scalar:
    if _DATE.fullmatch(text):
        return text
    plain = text if text.startswith(".") else text.replace("_", "")
    if match := _INTEGER.fullmatch(plain):
        return _integer(match[1], match[2])
    return float(plain) if _FLOAT.fullmatch(plain) else text


def _integer(sign: str, digits: str) -> int:
    base = _BASES.get(digits[:2].lower(), 8 if digits[0] == "0" else 10)
    value = int(digits[2:] if digits[:2].lower() in _BASES else digits, base)
    return -value if sign == "-" else value
