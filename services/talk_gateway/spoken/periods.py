"""The Latin full stop, which also stands in numbers, names, addresses and abbreviations."""

from __future__ import annotations

import regex

from talk_gateway.spoken import abbreviations as known
from talk_gateway.spoken.following import Following
from talk_gateway.spoken.letters import is_caseless, is_lower, is_picture, word_before

_LEADING = regex.compile(r"^[^\p{L}\p{N}]+")
_JOINTS = regex.compile(r"[—–/(\[\"“„«]")
_MARKER_ONLY = regex.compile(r"[^\p{L}\p{N}\p{Sc}]{0,12}(?:\p{Nd}{1,3}|\p{L}|[ivx]{2,4}|[IVX]{2,4})")
_FIRST_OF_LIST = regex.compile(r":\s*(?:1|१|a|A|i)\Z")
_DOTTED = regex.compile(r"(?:\p{L}\p{M}*\.)+\p{L}\p{M}*")
_INITIAL = regex.compile(r"[\p{Lu}\p{Script=Arabic}\p{Script=Hebrew}]\p{M}*")
_NUMBER = regex.compile(r"\p{Nd}+(?:[.,]\p{Nd}+)*\Z")
_IDEOGRAPH = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}]")
_ROMAN = regex.compile(r"[IVXLCDM]+")
_PLAIN_WORD = regex.compile(r"[\p{L}'’]*\p{Ll}{2}")
_EVERYDAY = regex.compile(r"[a-z]{4,}")
_SMALL_WORD = regex.compile(r"[a-z'’]{2,}")
_DOT_ALONE = regex.compile(r"\s\.\s")
_GLUED = frozenset('"“„«「『¿¡‘*<')
_BEHIND_GLUED = frozenset(" ,?!:")
_NO_END = frozenset(",;:)]}、，")


def ends_at_period(after: Following) -> bool | None:
    """None: the next word must be read to its end first."""
    word = _word(after.text, after.start)
    if after.next and after.adjacent:
        return _ends_glued(after, word)
    if _is_marker(after, word):
        return False
    if after.next == ".":
        return _unless_spaced_dots(after)
    if after.next and after.next in _NO_END:
        return False
    if is_lower(after.next):
        plain = _is_small_word(word) and after.text[after.stop : after.next_at].isspace()
        return _opens_small(after) if plain else _is_lettered_item(after)
    if not word.isalpha() and word.isdigit():
        return _ends_after_number(after, word)
    return _ends_after_word(after, word)


def is_everyday_word(text: str, at: int) -> bool:
    """Is what ends at `at` a word that no abbreviation is like: written small, four letters or more, and not listed?"""
    word = word_before(text, at)
    return bool(_EVERYDAY.fullmatch(word)) and word not in known.GO_ON_SMALL and not _MARKER_ONLY.fullmatch(text, 0, at)


def belongs_to_next(text: str, at: int) -> bool:
    """Does the word that ends at `at`, without its stop, need what follows? For cuts at a space."""
    word = _word(text, at)
    folded = word.casefold()
    return _is_title(word) or folded in known.ALWAYS or folded in known.BEFORE_NUMBER or bool(_INITIAL.fullmatch(word))


def _word(text: str, end: int) -> str:
    token = word_before(text, end)
    return str(_LEADING.sub("", _JOINTS.split(token)[-1]))


def _previous_word(text: str, end: int) -> str:
    start = end - len(word_before(text, end))
    return word_before(text, len(text[:start].rstrip())).casefold()


def _is_marker(after: Following, word: str) -> bool:
    """'1.' or 'a.' at the head of an item."""
    if _MARKER_ONLY.fullmatch(after.text, 0, after.start):
        return True
    return bool(_FIRST_OF_LIST.search(after.text, max(0, after.start - 8), after.start)) and len(word) == 1


def _unless_spaced_dots(after: Following) -> bool | None:
    """The first dots of '. . .' end nothing."""
    if after.text[after.start - 1 : after.start].isspace():
        return False
    if after.next_at + 1 == len(after.text) and not after.final:
        return None
    return not _DOT_ALONE.match(after.text, after.next_at - 1)


def _is_small_word(word: str) -> bool:
    """A word of a text that is written small throughout ('let me check. it is sunny'), and no abbreviation."""
    return bool(_SMALL_WORD.fullmatch(word)) and word not in known.GO_ON_SMALL


def _opens_small(after: Following) -> bool | None:
    opens = _opens_sentence(after)
    return _is_lettered_item(after) if opens is False else opens


def _is_lettered_item(after: Following) -> bool | None:
    """'a) One. b) Two.'"""
    if after.next_word is None:
        return None if after.next_at + 1 == len(after.text) else False
    return len(after.next_word) == 1 and after.behind_next_word == ")"


def _ends_glued(after: Following, word: str) -> bool | None:
    following = after.next
    if following.isdigit() or is_lower(following):
        return False
    if following.isupper():
        return after.quoted or _is_glued_sentence(after, word)
    if is_caseless(following):
        return _ends_before_caseless(after)
    return following in _GLUED or is_picture(following)


def _is_glued_sentence(after: Following, word: str) -> bool | None:
    """'check.It is' but not 'System.Out'."""
    if not _PLAIN_WORD.fullmatch(word) or word != word_before(after.text, after.start).lstrip("\"'(“¿¡*_"):
        return False
    if after.next_word is None:
        return None
    opening = after.next_word.casefold().replace("’", "'")
    return opening in known.GLUED_OPENING_WORDS and after.behind_next_word in _BEHIND_GLUED


def _ends_before_caseless(after: Following) -> bool:
    """Chinese with Latin stops; but a dot inside a run of Indic or Thai letters is an abbreviation ('ए.पी.जे.')."""
    before = after.text[after.start - 1 : after.start]
    if regex.match(r"\p{Script=Thai}", after.next) or _MARKER_ONLY.fullmatch(after.text, 0, after.start):
        return False
    if before.isdigit():
        number = _NUMBER.search(after.text, max(0, after.start - 32), after.start)
        return number is not None and len(number.group()) > 2
    if _IDEOGRAPH.match(before):
        return True
    part = word_before(after.text, after.start).rsplit(".")[-1]
    return bool(regex.match(r"[\p{Lo}\p{M}]", before)) and len(regex.findall(r"\X", part)) > 2


def _ends_after_number(after: Following, word: str) -> bool | None:
    """German ordinals go on: '3. Oktober', 'der 2. Weltkrieg'."""
    if len(word) > 2 or not after.next.isalpha():
        return True
    if after.next_word is None:
        return None
    if after.next_word.casefold() in known.ORDINAL_NOUNS:
        return False
    return _previous_word(after.text, after.start) not in known.BEFORE_ORDINAL


def _ends_after_word(after: Following, word: str) -> bool | None:
    folded = word.casefold()
    if _is_title(word) or folded in known.ALWAYS:
        return False
    if folded in known.BEFORE_NUMBER and not _is_small_homograph(word):
        if after.next.isdigit():
            return False
        if after.next in "IVXLCDM" and after.next:
            if after.next_word is None:
                return None
            if len(after.next_word) > 1 and _ROMAN.fullmatch(after.next_word):
                return False
    if folded in known.COMPANY:
        return _unless_next_in(after, known.AFTER_COMPANY)
    if folded in known.ORDINARY:
        return _unless_next_in(after, known.AFTER_HOUR)
    return _ends_after_name_part(after, word, folded)


def _ends_after_name_part(after: Following, word: str, folded: str) -> bool | None:
    if len(word) == 1:
        return _ends_after_letter(after, word)
    if folded == "г" or folded == "гг":
        return _previous_word(after.text, after.start).isdigit()
    listed = folded in known.BEFORE_OPENING_WORD and not _is_small_homograph(word)
    return _opens_sentence(after) if listed or _DOTTED.fullmatch(word) else True


def _ends_after_letter(after: Following, letter: str) -> bool | None:
    """'J. Smith' goes on, 'vitamin C. Then' and 'solve for x. Then' end, 'z. B.' goes on."""
    previous = _previous_word(after.text, after.start)
    if previous.strip("(\"'*_") in known.LABELLED or (letter == "I" and previous[-1:].isalpha() and _small(after)):
        return True
    if _INITIAL.fullmatch(letter) or _is_spaced_letter(previous):
        return _opens_sentence(after)
    if after.next_word is None:
        return None
    another = len(after.next_word) == 1 and after.behind_next_word == "."
    return not another and after.next_word != "Chr"


def _small(after: Following) -> bool:
    """Is the word before this one written small?"""
    end = len(after.text[: after.start - 1].rstrip())
    return is_lower(word_before(after.text, end).lstrip("(\"'*_")[:1] or " ")


def _is_spaced_letter(word: str) -> bool:
    return len(word) == 2 and word[0].isalpha() and word[1] == "."


def _opens_sentence(after: Following) -> bool | None:
    if not after.next.isalpha():
        return after.next != "" and after.next in '"“„«¿¡'
    if after.next_word is None:
        return None
    return after.next_word.casefold().replace("’", "'") in known.OPENING_WORDS and after.behind_next_word != "."


def _unless_next_in(after: Following, words: frozenset[str]) -> bool | None:
    if not after.next:
        return True
    if after.next_word is None:
        return None
    return after.next_word.casefold() not in words


def _is_title(word: str) -> bool:
    return word.casefold() in known.TITLES and not is_lower(word[:1])


def _is_small_homograph(word: str) -> bool:
    return word.casefold() in known.ONLY_CAPITALISED and is_lower(word[:1])
