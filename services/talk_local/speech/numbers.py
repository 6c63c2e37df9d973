# ruff: noqa: SIM905 - lists of words read best as words
"""Numbers as English words. Integers of any size and decimal strings; no grammar beyond the number itself."""

from __future__ import annotations

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
TENS = ["", "", *"twenty thirty forty fifty sixty seventy eighty ninety".split()]
SCALES = ["", *"thousand million billion trillion quadrillion quintillion".split()]
LONGEST_CARDINAL = 3 * len(SCALES)  # digits; a longer number is read digit by digit

_IRREGULAR_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}


def cardinal(value: int) -> str:
    """`1234` is "one thousand two hundred thirty four"."""
    if value < 0:
        return "minus " + cardinal(-value)
    if len(str(value)) > LONGEST_CARDINAL:
        return digits(str(value))
    groups, scale = [], 0
    while True:
        value, group = divmod(value, 1000)
        if group:
            groups.append(f"{_below_thousand(group)} {SCALES[scale]}".strip())
        scale += 1
        if not value:
            return " ".join(reversed(groups)) or "zero"


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    words = [f"{ONES[hundreds]} hundred"] if hundreds else []
    if rest >= 20:
        words.append(TENS[rest // 10])
        rest %= 10
    if rest or not words:
        words.append(ONES[rest])
    return " ".join(words)


def ordinal(value: int) -> str:
    """`21` is "twenty first"."""
    *head, last = cardinal(value).split()
    if last in _IRREGULAR_ORDINALS:
        last = _IRREGULAR_ORDINALS[last]
    else:
        last = last[:-1] + "ieth" if last.endswith("y") else last + "th"
    return " ".join([*head, last])


def digits(text: str) -> str:
    """Each digit by its name; anything else in `text` is left out."""
    return " ".join(ONES[int(character)] for character in text if character.isdecimal())


def year(value: int) -> str:
    """`1984` is "nineteen eighty four", `2007` "two thousand seven", `1905` "nineteen oh five"."""
    century, rest = divmod(value, 100)
    if not 1100 <= value <= 2099 or 2000 <= value <= 2009:
        return cardinal(value)
    if not rest:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def decimal(text: str) -> str:
    """A plain number as written: sign, digits with `,` between thousands, and a fraction after `.`.

    `-1,234.50` is "minus one thousand two hundred thirty four point five zero". Leading zeros are read out: `007` is
    a name, not a quantity.
    """
    sign = "minus " if text[:1] in "-−" else ""
    whole, _, fraction = text.lstrip("+-−").replace(",", "").partition(".")
    words = digits(whole) if len(whole) > 1 and whole.startswith("0") else cardinal(int(whole or "0"))
    return sign + words + (f" point {digits(fraction)}" if fraction else "")


def fraction(numerator: int, denominator: int) -> str:
    """`3/4` is "three quarters", `1/2` "one half", `7/100` "seven hundredths"."""
    part = {2: "half", 4: "quarter"}.get(denominator) or ordinal(denominator)
    if numerator != 1:
        part = "halves" if denominator == 2 else part + "s"
    return f"{cardinal(numerator)} {part}"


def plural(words: str) -> str:
    """A number's name in the plural, as decades are: "nineties", "hundreds"."""
    return words[:-1] + "ies" if words.endswith("y") else words + ("es" if words.endswith("x") else "s")
