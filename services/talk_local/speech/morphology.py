"""Words built from words that the lexicon has: plurals, verb forms, prefixes, compounds.

All functions take and give sounds in misaki's alphabet.
"""

from __future__ import annotations

from collections.abc import Callable

Find = Callable[[str], str | None]

_HISSING = "szʃʒʧʤ"
_VOICELESS = "ptkfθ"
# Suffixes that add a fixed sound to a stem, which may have lost an e or doubled its last letter, or turned y into i.
_SUFFIXES = {
    "ing": "ɪŋ",
    "ers": "əɹz",
    "er": "əɹ",
    "est": "ᵻst",
    "ly": "li",
    "ness": "nəs",
    "less": "ləs",
    "ful": "fᵊl",
    "able": "əbᵊl",
    "ible": "əbᵊl",
    "ment": "mənt",
    "ments": "mənts",
    "ish": "ɪʃ",
    "ist": "ɪst",
    "ism": "ɪzəm",
    "ize": "Iz",
    "ized": "Izd",
    "izing": "Izɪŋ",
    "ship": "ʃɪp",
    "hood": "hʊd",
    "like": "lIk",
    "wise": "wIz",
    "y": "i",
}
_PREFIXES = {
    "un": "ʌn",
    "re": "ɹi",
    "non": "nɑn",
    "pre": "pɹi",
    "anti": "ænti",
    "over": "Ovəɹ",
    "under": "ʌndəɹ",
    "micro": "mIkɹO",
    "macro": "mækɹO",
    "multi": "mʌlti",
    "super": "supəɹ",
    "sub": "sʌb",
    "inter": "ɪntəɹ",
    "hyper": "hIpəɹ",
    "mega": "mɛɡə",
    "mini": "mɪni",
    "auto": "ɔɾO",
    "bio": "bIO",
    "geo": "ʤiO",
    "co": "kO",
    "de": "di",
    "dis": "dɪs",
    "mis": "mɪs",
    "out": "Wt",
    "cyber": "sIbəɹ",
    "tele": "tɛlə",
}
_CONTRACTED = {"ve": "əv", "ll": "ᵊl", "d": "əd", "re": "əɹ", "m": "əm"}
_SHORTEST_PART = 3  # letters of each half of a compound; shorter ones find nonsense in names


def plural(stem: str) -> str:
    """A stem's sounds with the s of plurals, verbs and possession."""
    if stem[-1] in _HISSING:
        return stem + "ᵻz"
    return stem + ("s" if stem[-1] in _VOICELESS else "z")


def past(stem: str) -> str:
    """A stem's sounds with the d of the past."""
    if stem[-1] in "td":
        return stem + "ᵻd"
    return stem + ("t" if stem[-1] in _VOICELESS + "sʃʧ" else "d")


def derived(word: str, find: Find) -> str | None:
    """The sounds of a word in small letters, from those of its parts; None when the parts are unknown too."""
    return _possessive(word, find) or _inflected(word, find) or _suffixed(word, find) or _prefixed(word, find)


def compound(word: str, find: Find) -> str | None:
    """Two known words written as one: the longest first half wins, the second is said with less stress."""
    for cut in range(len(word) - _SHORTEST_PART, _SHORTEST_PART - 1, -1):
        first, second = find(word[:cut]), find(word[cut:])
        if first and second and cut + 1 >= _SHORTEST_PART and len(word) >= 7:
            return first + second.replace("ˈ", "ˌ")
    return None


def _possessive(word: str, find: Find) -> str | None:
    stem, apostrophe, ending = word.rpartition("'")
    if not apostrophe or ending not in ("s", "", *_CONTRACTED):
        return None
    if found := find(stem) or derived(stem, find):
        return plural(found) if ending == "s" else found + _CONTRACTED.get(ending, "")
    return None


def _inflected(word: str, find: Find) -> str | None:
    if word.endswith("s") and not word.endswith("ss"):
        candidates = [word[:-1], *([word[:-3] + "y"] if word.endswith("ies") else [])]
        candidates += [word[:-2]] if word.endswith(("ses", "xes", "zes", "ches", "shes", "oes")) else []
        if found := _first(candidates, find):
            return plural(found)
    if word.endswith("ed") and (found := _first(_stems(word[:-2], dropped_e=True), find)):
        return past(found)
    return None


def _suffixed(word: str, find: Find) -> str | None:
    for suffix, sounds in _SUFFIXES.items():
        if word.endswith(suffix) and len(word) > len(suffix) + 2:
            stems = _stems(word[: -len(suffix)], dropped_e=suffix[0] in "aeiy")
            if found := _first(stems, find):
                return found + sounds
    return None


def _stems(stem: str, *, dropped_e: bool) -> list[str]:
    """How the stem may be written on its own: `bak` as bake, `stopp` as stop, `happi` as happy."""
    stems = [stem]
    if dropped_e:
        stems.append(stem + "e")
        if len(stem) > 3 and stem[-1] == stem[-2]:
            stems.insert(0, stem[:-1])
    if stem.endswith("i"):
        stems.append(stem[:-1] + "y")
    return [candidate for candidate in stems if len(candidate) > 2]


def _prefixed(word: str, find: Find) -> str | None:
    for prefix, sounds in _PREFIXES.items():
        rest = word.removeprefix(prefix)
        if rest != word and len(rest) > 3 and (found := find(rest)):
            return "ˌ" + sounds + found if sounds[0] in "AIWYOæɑɔəɛɜɪʊʌiu" else _secondary(sounds) + found
    return None


def _secondary(sounds: str) -> str:
    """The secondary stress before the first vowel."""
    at = next(index for index, sound in enumerate(sounds) if sound in "AIWYOæɑɔəɛɜɪʊʌiu")
    return sounds[:at] + "ˌ" + sounds[at:]


def _first(candidates: list[str], find: Find) -> str | None:
    return next((found for candidate in candidates if (found := find(candidate))), None)
