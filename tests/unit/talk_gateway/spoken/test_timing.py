"""When a piece leaves: at once where nothing can change it, after the settle time, at the end of a message."""

from __future__ import annotations

import pytest

from talk_gateway.spoken import SpeechSplitter


def texts_after(*parts: str) -> list[str]:
    """What leaves with the last of `parts`."""
    splitter = SpeechSplitter(first_clause=False)
    for part in parts[:-1]:
        splitter.feed(part, 0.0)
    return [piece.text for piece in splitter.feed(parts[-1], 0.0)]


@pytest.mark.parametrize(
    ("parts", "texts"),
    [
        (("Hello there.", " How"), ["Hello there."]),
        (("Really?", " I"), ["Really?"]),
        (("你好。", "今"), ["你好。"]),
        (("Result\n", "\n"), ["Result"]),
        (("# Result\n",), ["# Result"]),
        (("Steps:\n",), ["Steps:"]),
        (("In 2020.", " T"), ["In 2020."]),
    ],
)
def test_certain_sentence_leaves_at_once(parts: tuple[str, ...], texts: list[str]) -> None:
    assert texts_after(*parts) == texts


@pytest.mark.parametrize(
    "text", ["Hello there.", "It is 98.", "你好。", "No way!", "He left at 9 a.m.", '"Yes."', "- item\n"]
)
def test_finished_sentence_leaves_after_the_settle_time(text: str) -> None:
    splitter = SpeechSplitter(settle_seconds=0.3)
    assert splitter.feed(text, 10.0) == []
    assert splitter.due == pytest.approx(10.3)
    assert splitter.poll(10.2) == []
    assert [piece.text for piece in splitter.poll(10.3)] == [text.strip()]
    assert splitter.due is None
    assert splitter.end_message() == []


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "Dr.",
        "1.",
        "2. ",
        "e.g.",
        "J.",
        "The U.S.",
        "He left (it was late.",
        "Say `a.",
        "[Is it?",
        "<think>A.",
        "```\nA.",
        "",
    ],
)
def test_unfinished_text_waits_for_more(text: str) -> None:
    splitter = SpeechSplitter()
    splitter.feed(text, 0.0)
    assert splitter.due is None
    assert splitter.poll(1000.0) == []


def test_waiting_is_counted_from_the_stop() -> None:
    splitter = SpeechSplitter(settle_seconds=0.3)
    splitter.feed("Hello.", 1.0)
    splitter.feed(" ", 1.2)
    assert splitter.due == pytest.approx(1.3)
    splitter.feed("a bit. ", 1.25)
    assert splitter.due == pytest.approx(1.55)


def test_end_of_message_is_a_boundary_and_the_next_message_begins_anew() -> None:
    splitter = SpeechSplitter(first_clause=False)
    splitter.feed("Let me check", 0.0)
    assert [piece.text for piece in splitter.end_message()] == ["Let me check"]
    splitter.feed("<think>A.</think>", 0.1)
    assert [piece.spoken for piece in splitter.feed("- It is. Yes.", 0.2)] == ["It is."]
    assert [piece.spoken for piece in splitter.end_message()] == ["Yes."]
    assert splitter.end_message() == []


def test_first_clause_leaves_while_the_sentence_goes_on() -> None:
    splitter = SpeechSplitter()
    assert [p.text for p in splitter.feed("Well, that is a good question, and", 0.0)] == [
        "Well, that is a good question,"
    ]
    assert splitter.feed(" I would like to answer it, as always, with", 0.1) == []


@pytest.mark.parametrize(
    "text",
    [
        "Well, yes, and so on",
        "My older brother's birthday is Jan 1, 1980",
        "Es sind heute ungefähr genau 22,1 Grad",
        "The long name of the thing (which is old, or new",
        "In the garden grow, e.g., apples",
        "| This is a long table head, and a row",
        "One more sentence that has ended, as it seems.",
    ],
)
@pytest.mark.parametrize("by_character", [False, True])
def test_no_first_clause_that_is_short_or_cuts_a_unit(text: str, by_character: bool) -> None:
    splitter = SpeechSplitter()
    parts = text if by_character and not text.endswith(".") else [text]
    assert [piece for part in parts for piece in splitter.feed(part, 0.0)] == []


def test_clauses_are_for_the_first_piece_that_is_spoken() -> None:
    splitter = SpeechSplitter()
    assert [piece.spoken for piece in splitter.feed("<think>Hm, hm.</think>\n", 0.0)] == [""]
    assert [p.text for p in splitter.feed("今天的天气非常好，我们可以一起去公园散步，然", 0.0)] == [
        "今天的天气非常好，我们可以一起去公园散步，"
    ]


def test_text_without_stops_is_cut_at_spaces_while_it_comes() -> None:
    text = "one two three four five six " * 60
    splitter = SpeechSplitter(first_clause=False)
    first = splitter.feed(text[:450], 0.0)
    assert len(first) == 1
    pieces = [*first, *splitter.feed(text[450:], 0.0), *splitter.end_message()]
    assert all(len(piece.text) <= 400 for piece in pieces)
    assert " ".join(piece.text for piece in pieces) == text.strip()


@pytest.mark.parametrize("unit", ["x", "今天多云气温", "👩‍👩‍👧", "🇮🇳", "é", "क्षि"])
def test_text_without_spaces_is_cut_between_clusters(unit: str) -> None:
    text = unit * (1200 // len(unit))
    splitter = SpeechSplitter()
    pieces = [*splitter.feed(text, 0.0), *splitter.end_message()]
    assert "".join(piece.text for piece in pieces) == text
    assert all(300 <= len(piece.text) <= 400 for piece in pieces[:-1])
    if len(unit) < 6:
        assert all(len(piece.text) % len(unit) == 0 for piece in pieces)


@pytest.mark.parametrize("unit", ["1 234 567,89 €", "Dr. Rao", "$x + y. z$", "`a b. c`", "[a b. c](http://d.e/f g)"])
def test_bound_cuts_no_unit(unit: str) -> None:
    for lead in range(384, 400):
        text = "y" * 30 + " " + "z" * (lead - 32) + " " + unit + " and so on"
        splitter = SpeechSplitter(first_clause=False)
        pieces = [*splitter.feed(text, 0.0), *splitter.end_message()]
        assert any(unit in piece.text for piece in pieces), (lead, pieces)
