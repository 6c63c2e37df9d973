from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from talk_agent.models.thoughts import ThoughtFilter

CASES = [
    ("Hello.", "Hello."),
    ("<think>hm</think>Hello.", "Hello."),
    ("<think>\nhm\n</think>\n\nHello.", "Hello."),
    ("\n<think>hm</think>Hello.", "Hello."),
    ("<think></think><think>again</think>Hello.", "Hello."),
    ("<thinking>hm</thinking>Hello.", "Hello."),
    ("[THINK]hm[/THINK]Hello.", "Hello."),
    ("◁think▷hm◁/think▷Hello.", "Hello."),
    ("<think>the <think> tag and </thin</think>Hello.", "Hello."),
    ("Use <think> and </think> as tags.", "Use <think> and </think> as tags."),
    ("<think>a</think>The tag <think>b</think> is text.", "The tag <think>b</think> is text."),
    ("<think>never closed", ""),
    ("<think>never closed </thi", ""),
    ("<thin air", "<thin air"),
    ("<", "<"),
    ("<b>bold</b>", "<b>bold</b>"),
    ("  Hello.", "  Hello."),
    ("\n \n", ""),
    ("", ""),
    ("a \n ", "a \n "),
]


def filtered(parts: list[str]) -> str:
    thoughts = ThoughtFilter()
    return "".join(map(thoughts.feed, parts)) + thoughts.end()


@pytest.mark.parametrize(("text", "reply"), CASES)
def test_thoughts_at_the_head_are_taken_out(text: str, reply: str) -> None:
    assert filtered([text]) == reply
    assert filtered(list(text)) == reply


@settings(deadline=None)
@given(case=st.sampled_from(CASES), size=st.integers(1, 9), data=st.data())
def test_where_tokens_are_cut_changes_nothing(case: tuple[str, str], size: int, data: st.DataObject) -> None:
    text, reply = case
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=size)))
    parts = [text[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert filtered(parts) == reply


@settings(deadline=None)
@given(st.text().filter(lambda t: not t.lstrip().startswith(("<", "[", "◁")) and t.strip()))
def test_other_text_is_byte_exact(text: str) -> None:
    assert filtered([text]) == text


def test_the_first_word_is_not_held_back() -> None:
    assert ThoughtFilter().feed("H") == "H"


def test_a_long_thought_is_not_kept() -> None:
    thoughts = ThoughtFilter()
    thoughts.feed("<think>")
    for _ in range(100):
        thoughts.feed("x" * 1000)
    assert len(thoughts._held) < 100


def test_white_space_without_end_is_not_kept() -> None:
    thoughts = ThoughtFilter()
    for _ in range(100_000):
        assert thoughts.feed(" \n") == ""
    assert thoughts.feed("word").endswith(" word") is False
    assert thoughts.feed("s") == "s"
    thoughts = ThoughtFilter()
    assert len("".join(thoughts.feed(part) for part in [*" " * 10_000, "word"])) == 4096 + len("word")


def test_many_blocks_in_one_text_are_read_in_its_time() -> None:
    """Copying the rest at each one took minutes."""
    assert ThoughtFilter().feed("<think></think>" * 400_000 + "Hello.") == "Hello."
