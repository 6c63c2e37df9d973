# ruff: noqa: SIM905 - lists of words read best as words
"""Words to the voice's symbols: lexicon, then morphology, then compounds, then the letters themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from talk_local.speech import letter_to_sound, morphology
from talk_local.speech.lexicon import Lexicon
from talk_local.speech.phonemes import for_voice, linked
from talk_local.speech.reading import MARKS
from talk_local.speech.rules import LETTER

LETTER_NAMES = dict(
    zip(
        "abcdefghijklmnopqrstuvwxyz",
        (
            "ˈA bˈi sˈi dˈi ˈi ˈɛf ʤˈi ˈAʧ ˈI ʤˈA kˈA ˈɛl ˈɛm ˈɛn ˈO pˈi kjˈu ˈɑɹ ˈɛs tˈi jˈu vˈi dˈʌbᵊlju ˈɛks wˈI zˈi"
        ).split(),
        strict=True,
    )
)
# Said without stress inside a sentence.
_UNSTRESSED = frozenset(
    "i me my you your he him his she her it its we us our they them their am is are was were be been have has had "
    "do does did will would can could should may might must shall and or but if of to in on at by for from with as "
    "than that this there".split()
)
_WEAK = {"a": "ɐ", "an": "ɐn", "the": "ðə", "to": "tə", "for": "fɚ", "of": "ʌv", "and": "ænd", "was": "wʌz"}
_BEFORE_VOWEL = {"the": "ðɪ", "to": "tʊ"}
_BEFORE_VERBS = frozenset(
    "to will would can could should may might must shall i you we they don't doesn't didn't won't can't cannot "
    "couldn't wouldn't shouldn't please let's".split()
)
# Product names and words of this field that the lexicon lacks and whose letters mislead.
_OWN = {
    "kubernetes": "kˌubəɹnˈɛɾiz", "kubectl": "kjˈub kəntɹˈOl", "github": "ɡˈɪthˌʌb", "gitlab": "ɡˈɪtlˌæb",
    "linux": "lˈɪnəks", "ubuntu": "ubˈuntu", "python": "pˈIθˌɑn", "nginx": "ˌɛnʤənˈɛks", "redis": "ɹˈɛdɪs",
    "sql": "sˈikwəl", "json": "ʤˈAsən", "yaml": "jˈæməl", "wifi": "wˈIfI", "iphone": "ˈIfˌOn", "ipad": "ˈIpˌæd",
    "macos": "mˌækOˈɛs", "ios": "ˌIOˈɛs", "youtube": "jˈutˌub", "chatgpt": "ʧˌæt ʤˌi pˌi tˈi", "openai": "ˌOpᵊnˌAˈI",
    "async": "ˈAsˌɪŋk", "config": "kˈɑnfɪɡ", "regex": "ɹˈɛʤɛks", "tuple": "tˈʌpᵊl", "llama": "lˈɑmə",
    "grafana": "ɡɹəfˈɑnə", "prometheus": "pɹəmˈiθiəs", "etcd": "ˌɛtsidˈi", "namaste": "nˈɑməstˌA",
    "mitochondria": "mˌIɾəkˈɑndɹiə",
    "covid": "kˈOvɪd", "okay": "OkˈA", "crore": "kɹˈɔɹ", "crores": "kɹˈɔɹz", "paise": "pIsˈA", "paisa": "pIsˈɑ",
    "miz": "mˈɪz",
}  # fmt: skip
# Two capitals that are a word all the same ("NO!"); "IT" and "US" are more often the department and the country.
_SHORT_WORDS = frozenset("NO SO DO GO UP ON IN IF OR OF TO BE WE HE ME MY BY AT AS AN IS OH HI AM".split())
_ALWAYS_LETTERS = frozenset("LED ETA SOS CIA FBI".split())


class Pronouncer:
    """Sounds for every word that English letters can write. Threads may share one."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self.word = lru_cache(maxsize=4096)(self._word)

    def phonemes(self, words: Sequence[str]) -> str:
        """The symbols of a clause: words apart by spaces, marks behind their word."""
        out: list[str] = []
        following = ""
        for at in range(len(words) - 1, -1, -1):
            if words[at] in MARKS:
                out.append(words[at])
                following = ""
                continue
            said = linked(self._in_context(words, at, following), following)
            out.append(said if at == 0 else " " + said)
            following = said
        return "".join(reversed(out))

    def _in_context(self, words: Sequence[str], at: int, following: str) -> str:
        lower = words[at].lower()
        before = words[at - 1].lower() if at else ""
        if len(words[at]) > 1 and words[at].isupper():
            return for_voice(self.word(words[at]))  # an acronym, whatever it would mean in small letters
        if lower in _BEFORE_VOWEL and following.lstrip("ˈˌ")[:1] in tuple("aeiouæɑɔəɚɛɜɪʊʌᵻɐ"):
            return _BEFORE_VOWEL[lower]
        if lower in _WEAK and following and (words[at] != "A" or not at):
            return _WEAK[lower]
        said = for_voice(self.word(words[at], before in _BEFORE_VERBS))
        return said.replace("ˈ", "").replace("ˌ", "") if lower in _UNSTRESSED and following else said

    def _word(self, word: str, verb: bool = False) -> str:
        """A word's sounds in misaki's alphabet; names its letters when nothing else is left."""
        if word[0] == LETTER:
            name = LETTER_NAMES[word[1]]
            return morphology.plural(name) if word.endswith("s") and len(word) > 2 else name
        if "-" in word and word not in self._lexicon and word.lower() not in self._lexicon:
            return " ".join(self.word(part, verb) for part in word.split("-") if part)
        return self._acronym(word) or self._known(word, verb) or self._split_at_capitals(word) or self._guessed(word)

    def _known(self, word: str, verb: bool) -> str | None:
        lower = word.lower()
        return (
            _OWN.get(lower)
            or self._lexicon.find(word, verb=verb)
            or self._lexicon.find(lower.replace("'", ""))
            or morphology.derived(lower, self._find)
        )

    def _find(self, word: str) -> str | None:
        return _OWN.get(word) or self._lexicon.find(word)

    def _acronym(self, word: str) -> str | None:
        """Words in capitals are read by their letters, unless the lexicon has them so, or as an ordinary long word."""
        match = re.fullmatch(r"([A-Z]{2,})('?s)?", word)
        if match is None:
            return None
        letters, ending = match.groups()
        if self._is_word(letters):
            return None
        named = _spelled(letters)
        return morphology.plural(named) if ending else named

    def _is_word(self, letters: str) -> bool:
        if letters in _ALWAYS_LETTERS:
            return False
        if letters.lower() in _OWN or letters in self._lexicon:
            return True
        if len(letters) == 2:
            return letters in _SHORT_WORDS
        return letters.lower() in self._lexicon or (len(letters) > 5 and letter_to_sound.pronounceable(letters.lower()))

    def _split_at_capitals(self, word: str) -> str | None:
        """`JavaScript`, `OpenAI`, `eBay`: parts that begin with a capital are words of their own."""
        parts = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]", word)
        if len(parts) < 2 or "'" in word:
            return None
        return " ".join(self.word(part) if len(part) > 1 else LETTER_NAMES[part.lower()] for part in parts)

    def _guessed(self, word: str) -> str:
        lower = re.sub("[^a-z]", "", word.lower())
        if len(lower) == 1:
            return LETTER_NAMES[lower]
        if joined := morphology.compound(lower, self._find):
            return joined
        return letter_to_sound.sounds(lower) if letter_to_sound.pronounceable(lower) else _spelled(lower)


def _spelled(letters: str) -> str:
    """Letter names; the last one carries the stress, as in "U S A"."""
    *head, last = (LETTER_NAMES[letter] for letter in letters.lower())
    return " ".join([*(name.replace("ˈ", "ˌ") for name in head), last])
