"""The packed dictionary and the program that packs it."""

from __future__ import annotations

import lzma

from talk_local.lexicon.build import Entry, packed
from talk_local.speech.lexicon import Lexicon


def unpacked(data: bytes) -> dict[str, str]:
    words, sounds = lzma.decompress(data).decode().split("\0")
    return dict(zip(words.split("\n"), sounds.split("\n"), strict=True))


def test_readings_are_packed_once_and_without_doubles() -> None:
    entries: dict[str, Entry] = {
        "live": {"DEFAULT": "lˈIv", "VERB": "lˈɪv"},
        "Live": {"DEFAULT": "lˈIv", "VERB": "lˈɪv"},
        "cat": "kˈæt",
        "use": {"DEFAULT": "jˈus", "VERB": "jˈus"},
        "US": {"DEFAULT": "ˌʌs", "NOUN": None},
        "Polish": "pˈOlɪʃ",
        "polish": "pˈɑlɪʃ",
        "none": {"DEFAULT": None, "NOUN": "x"},
    }
    assert unpacked(packed(entries)) == {
        "Polish": "pˈOlɪʃ",
        "cat": "kˈæt",
        "live": "lˈIv\tlˈɪv",
        "polish": "pˈɑlɪʃ",
        "use": "jˈus",
    }
    assert packed(entries) == packed({word: entries[word] for word in reversed(list(entries))})


def test_the_dictionary_that_ships_knows_words_names_and_verbs() -> None:
    lexicon = Lexicon.load()
    assert lexicon.find("hello") == lexicon.find("Hello") == lexicon.find("HELLO") == "həlˈO"
    assert lexicon.find("Paris")
    assert lexicon.find("live", verb=True) != lexicon.find("live")
    assert "nasa" in lexicon
    assert lexicon.find("xqzzt") is None
