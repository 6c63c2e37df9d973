"""From misaki's sounds to the symbols that the voice was trained on (IPA in the manner of espeak's en-us)."""

from __future__ import annotations

import re

_DIPHTHONGS = str.maketrans(
    {"A": "eɪ", "I": "aɪ", "W": "aʊ", "Y": "ɔɪ", "O": "oʊ", "Q": "əʊ", "ʤ": "dʒ", "ʧ": "tʃ", "T": "ɾ"}
)
_VOWEL = "aeiouæɑɔəɚɛɜɪʊʌᵻɐ"
_STEPS = [
    (re.compile("ʔᵊ?n"), "ʔn̩"),
    (re.compile("ᵊ"), "ə"),
    (re.compile(f"ɜɹ(?=[ˈˌ]?[{_VOWEL}])"), "ɜːɹ"),
    (re.compile(f"əɹ(?=[ˈˌ]?[{_VOWEL}])"), "ɚɹ"),
    (re.compile("ɜɹ"), "ɜː"),
    (re.compile("əɹ"), "ɚ"),
    (re.compile("ɔ(?![ːɪ])"), "ɔː"),
    (re.compile("ɔː(?=[fsθ])"), "ɔ"),
    (re.compile("ɑ(?!ː)"), "ɑː"),
    (re.compile("u(?!ː)"), "uː"),
    (re.compile("([ˈˌ])i(?!ː)"), r"\1iː"),
]
_ENDS_IN_R = re.compile("(?:ɚ|ɜː)$")


def for_voice(sounds: str) -> str:
    """One word's sounds in the voice's symbols."""
    sounds = sounds.translate(_DIPHTHONGS)
    for pattern, symbol in _STEPS:
        sounds = pattern.sub(symbol, sounds)
    return sounds


def linked(word: str, following: str) -> str:
    """A word that ends in an r-coloured vowel speaks the r when a vowel follows ("her own")."""
    if _ENDS_IN_R.search(word) and following.lstrip("ˈˌ")[:1] in tuple(_VOWEL):
        return word + "ɹ"
    return word
