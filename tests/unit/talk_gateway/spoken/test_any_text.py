"""What holds for every text and every way to cut it into tokens."""

from __future__ import annotations

import regex
from hypothesis import example, given, settings
from hypothesis import strategies as st

from talk_gateway.spoken import Piece, speakable
from tests.unit.talk_gateway.spoken.streams import chopped, split, without_space

MARKS = r""". ! ? … ... .. 。 ！ । ; : , 、 ` `` ``` ~~~ $ $$ \ \( [ ] ( ) ![ ]( < > <b> </b> <br> <p> <think> </think>
<!-- * ** _ __ ~~ # ## - 1. 1) 2. 2) • | > " ' “ ” « » 「 」 ¿ ¡"""
WORDS = """a b Word word It The Dr Mr St e.g etc No 5 98 1,000 2.5 I J am a.m U.S 中文 今天 नमस्ते है გამ Ա Ω ไทย
http://a.b/c?d x@y.z Node.js № www. Jan 👩‍👩‍👧 🎉 🇮🇳 é ́ """
SPACES = [" ", "  ", "\n", "\n\n", "\r\n", "\r", "\t", "\u00a0", "\x1c", "\x85", "\u2028", "\u200d", "\ufe0f", "\u200b"]
FRAGMENTS = [*MARKS.split(), *WORDS.split(), *SPACES]
SOUP = st.lists(st.tuples(st.sampled_from(FRAGMENTS), st.sampled_from(["", " "])), max_size=40).map(
    lambda parts: "".join(fragment + gap for fragment, gap in parts)
)
TEXT = st.one_of(SOUP, st.text(max_size=120))
LENGTHS = st.lists(st.integers(1, 6), max_size=60)
BOUND = st.sampled_from([400, 20, 5])
MARKUP = ("](", "][", "<", "`", "$", "\\(", "\\[")


@settings(max_examples=300, deadline=None)
@given(TEXT, LENGTHS, BOUND)
@example("U.S J !  Ա ", [1] * 10, 5)
@example("www. . J __", [1] * 10, 400)
def test_tokens_do_not_change_the_pieces(text: str, lengths: list[int], bound: int) -> None:
    whole = split([text], max_characters=bound)
    assert split(text, max_characters=bound) == whole
    assert split(chopped(text, lengths), max_characters=bound) == whole


@settings(max_examples=300, deadline=None)
@given(TEXT, LENGTHS, BOUND, st.booleans())
def test_pieces_join_to_the_text(text: str, lengths: list[int], bound: int, first_clause: bool) -> None:
    pieces = split(chopped(text, lengths), max_characters=bound, first_clause=first_clause)
    assert without_space("".join(piece.text for piece in pieces)) == without_space(text)
    assert all(piece.text and piece.text == piece.text.strip() for piece in pieces)


@settings(max_examples=300, deadline=None)
@given(TEXT, st.data())
def test_pauses_and_tool_calls_lose_nothing(text: str, data: st.DataObject) -> None:
    parts: list[str] = []
    for part in chopped(text, data.draw(LENGTHS)):
        parts += [part, *data.draw(st.sampled_from([[], [], ["<<PAUSE 3s>>"], ["<<TOOL CALL>>"]]))]
    pieces = split(parts, first_clause=True)
    assert without_space("".join(piece.text for piece in pieces)) == without_space(text)


@settings(max_examples=300, deadline=None)
@given(TEXT, BOUND)
def test_pieces_are_bounded_and_never_sent_without_a_letter_or_digit(text: str, bound: int) -> None:
    for piece in split([text], max_characters=bound):
        unit_of_markup = not piece.spoken or any(mark in piece.text for mark in MARKUP)
        assert len(piece.text) <= bound or unit_of_markup
        assert not piece.spoken or regex.search(r"[\p{L}\p{N}]", piece.spoken)
        assert piece.spoken == piece.spoken.strip()


def inner_ends(pieces: list[Piece]) -> set[int]:
    """Where the pieces end, in characters that are not white space."""
    ends, at = set(), 0
    for piece in pieces:
        at += len(without_space(piece.text))
        ends.add(at)
    return ends


@settings(max_examples=300, deadline=None)
@given(TEXT, st.sampled_from([400, 40]))
@example("。]\u0301", 400)
@example("。]\u200d", 400)
def test_no_cluster_of_characters_is_cut(text: str, bound: int) -> None:
    ends = inner_ends(split([text], max_characters=bound))
    at = 0
    for cluster in regex.findall(r"\X", text):
        length = len(without_space(cluster))
        # A mark behind a tag, a link or a rule has no letter to join.
        if length == len(cluster) <= bound // 4 and cluster[0] not in ">)|-_*`$":
            assert not ends & set(range(at + 1, at + length)), cluster
        at += length


@settings(max_examples=300, deadline=None)
@given(TEXT)
def test_spoken_text_of_anything_is_one_line(text: str) -> None:
    assert not regex.search(r"[\n\r\t]", speakable(text))


LONGEST_UNIT = 300 + 2000 + 10
"""A link: its label and its target."""


@settings(max_examples=min(40, settings().max_examples), deadline=None)
@given(st.lists(st.sampled_from(FRAGMENTS), min_size=1, max_size=4).map("".join), st.integers(2000, 6000))
def test_a_spoken_piece_is_bounded_however_long_its_unit(unit: str, length: int) -> None:
    """What is done to a piece may cost more than its length, so that must have an end."""
    text = (unit * length)[:length]
    assert all(len(piece.text) <= 400 + LONGEST_UNIT for piece in split([text]) if piece.spoken)


def test_a_long_reply_in_one_text_is_cut_as_one_in_tokens() -> None:
    text = "One two three four. " * 1000
    assert split([text]) == split(chopped(text, [7] * 3000))
