"""Words to the symbols of the voice."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_local.speech import letter_to_sound, morphology
from talk_local.speech.lexicon import Lexicon
from talk_local.speech.phonemes import for_voice, linked
from talk_local.speech.pronunciation import Pronouncer
from talk_local.speech.reading import spoken

# What the joe voice knows (its phoneme_id_map), as far as English needs it.
VOICE_SYMBOLS = set(" ,.:;!?abdefhijklmnopstuvwzæðŋɐɑɔəɚɛɜɡɪɹɾʃʊʌʒʔˈˌːθᵻ̩")

PRONOUNCER = Pronouncer(Lexicon.load())


def phonemes(text: str) -> str:
    return PRONOUNCER.phonemes(spoken(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("the apple, the pear", "ðɪ ˈæpəl, ðə pˈɛɹ"),
        ("her own dog", "hɜːɹ ˈoʊn dˈɔːɡ"),
        ("a dog and an owl", "ɐ dˈɔːɡ ænd ɐn ˈaʊl"),
        ("It is stored in the nucleus.", "ɪt ɪz stˈɔːɹd ɪn ðə nˈuːkliəs."),
        ("button", "bˈʌʔn̩"),
        ("better off", "bˈɛɾɚɹ ˈɔf"),
    ],
)
def test_words_in_a_sentence(text: str, expected: str) -> None:
    assert phonemes(text) == expected


def test_nouns_and_verbs_that_are_written_alike() -> None:
    verb, noun = phonemes("to record a record").split(" ")[1::2]
    assert verb.index("ˈ") > noun.index("ˈ")
    assert phonemes("they live").endswith("lˈɪv")
    assert phonemes("a live show").split()[1] == "lˈaɪv"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("the USA", "ðə jˌuː ˌɛs ˈeɪ"),
        ("APIs", "ˌeɪ pˌiː ˈaɪz"),
        ("NASA", "nˈæsə"),
        ("brb", "bˌiː ˌɑːɹ bˈiː"),
        ("OpenAI", "ˌoʊpənˌeɪˈaɪ"),
        ("eBay", "ˈiːbˌeɪ"),
        ("NO", "nˈoʊ"),
    ],
)
def test_acronyms_and_names_with_capitals(word: str, expected: str) -> None:
    assert phonemes(word) == expected


def test_an_acronym_is_not_weakened_as_the_small_word_is() -> None:
    assert phonemes("the US army").split()[1:3] == ["jˌuː", "ˈɛs"]


@pytest.mark.parametrize(
    ("word", "built_from"),
    [
        ("blorks", ("blˈɔɹk", "s")),
        ("blork's", ("blˈɔɹk", "s")),
        ("blorked", ("blˈɔɹk", "t")),
        ("blorking", ("blˈɔɹk", "ɪŋ")),
        ("unblork", ("ˌʌnblˈɔɹk", "")),
        ("blork've", ("blˈɔɹk", "əv")),
    ],
)
def test_inflections_of_known_words(word: str, built_from: tuple[str, str]) -> None:
    assert morphology.derived(word, {"blork": "blˈɔɹk"}.get) == "".join(built_from)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("gadries", "ɡˈædɹiz"),  # y to ies
        ("gadrier", "ɡˈædɹiəɹ"),
        ("vaxes", "vˈæksᵻz"),
        ("vated", "vˈAtᵻd"),  # the e of "vate" is gone
        ("pligged", "plˈɪɡd"),  # doubled
        ("vaxplig", None),
    ],
)
def test_spelling_changes_before_an_ending(word: str, expected: str | None) -> None:
    known = {"gadry": "ɡˈædɹi", "vax": "vˈæks", "vate": "vˈAt", "plig": "plˈɪɡ"}
    assert morphology.derived(word, known.get) == expected


def test_compounds_say_both_parts() -> None:
    known = {"smart": "smˈɑɹt", "watch": "wˈɑʧ"}
    assert morphology.compound("smartwatch", known.get) == "smˈɑɹtwˌɑʧ"
    assert morphology.compound("smartish", known.get) is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("grentic", "ɡɹˈɛntɪk"),
        ("plake", "plˈAk"),
        ("shomber", "ʃˈɑmbəɹ"),
        ("drought", "dɹˈWt"),
        ("phleem", "flˈim"),
        ("quibble", "kwˈɪbᵊl"),
        ("knarsh", "nˈɑɹʃ"),
        ("vation", "vˈAʃən"),
    ],
)
def test_letters_to_sounds(word: str, expected: str) -> None:
    if word == "drought":  # ough has as many sounds as words: any vowel will do
        assert letter_to_sound.sounds(word).startswith("dɹ")
    else:
        assert letter_to_sound.sounds(word) == expected


@pytest.mark.parametrize("word", ["xkcd", "brb", "ok", "hmpf", "aaaab", "bcdfe"])
def test_what_no_one_would_read_is_not_pronounceable(word: str) -> None:
    assert not letter_to_sound.pronounceable(word)


@pytest.mark.parametrize("word", ["sriharikota", "quibbleton", "zyxel", "thiruvananthapuram"])
def test_names_are_pronounceable(word: str) -> None:
    assert letter_to_sound.pronounceable(word)
    assert letter_to_sound.sounds(word).count("ˈ") == 1


def test_an_r_is_spoken_before_a_vowel_only() -> None:
    assert linked("bˈɛɾɚ", "ˈɔf") == "bˈɛɾɚɹ"
    assert linked("bˈɛɾɚ", "bˈæd") == "bˈɛɾɚ"
    assert linked("hɜː", "") == "hɜː"


def test_every_sound_of_the_lexicon_is_one_of_the_voice() -> None:
    lexicon = Lexicon.load()
    for word in ("zebra", "bottle", "joy", "church", "hour", "measure", "uncle", "mountain", "thorough", "through"):
        sound = lexicon.find(word)
        assert sound
        assert set(for_voice(sound)) <= VOICE_SYMBOLS


@given(st.text(alphabet=st.characters(codec="ascii"), max_size=60))
def test_any_ascii_text_gives_symbols_of_the_voice(text: str) -> None:
    assert set(phonemes(text)) <= VOICE_SYMBOLS


@given(st.from_regex(r"[a-z]{1,14}", fullmatch=True))
def test_any_word_has_a_sound(word: str) -> None:
    assert re.search(r"\w", PRONOUNCER.phonemes([word]))
