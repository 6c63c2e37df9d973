"""What is left of a piece for the speech provider."""

from __future__ import annotations

import pytest

from talk_gateway.spoken import speakable


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("**Bold** and *italic* and ***both***, __too__ _here_ ~~old~~.", "Bold and italic and both, too here old."),
        ("Un**believ**able.", "Unbelievable."),
        ("**Cut by a sentence.", "Cut by a sentence."),
        ("The end of it.**", "The end of it."),
        ("## Title ##", "Title"),
        ("- [x] Task", "Task"),
        ("* **Key:** value", "Key: value"),
        ("• One", "One"),
        ("1. One", "1. One"),
        ("> Said so", "Said so"),
        ("> - **x** y", "x y"),
        ("| Name | Age |", "Name, Age"),
        ("|---|:-:|", ""),
        ("a | b", "a, b"),
        ("---", ""),
        ("* * *", ""),
        ("===", ""),
        ('Read [the *guide*](https://a.b/c_(d)?e=f "t").', "Read the guide."),
        ("See [this][1] and <https://a.b/c>.", "See this and https://a.b/c."),
        ("![A cat](x.png) sat.", "A cat sat."),
        ("[![Build](b.svg)](https://c.d) ok", "Build ok"),
        ("It is true.[^1]", "It is true."),
        ("[ref]: https://a.b/c", ""),
        ("Call `app.run()` or ``a`b``.", "Call app.run() or a`b."),
        ("`**not bold**`", "**not bold**"),
        ("```python\nx = 1\n```", ""),
        ("H<sub>2</sub>O is <b>wet</b>.<br>Yes &amp; no.", "H2O is wet. Yes & no."),
        ("<!-- hidden. -->Seen", "Seen"),
        (r"\*not italic\* and 1\. no list", "*not italic* and 1. no list"),
        ("Great 🎉 job 👍🏽!", "Great job!"),
        ("👩‍👩‍👧‍👦 🎉 See you.", "See you."),
        ("🇮🇳 ❤️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿", ""),
        ("1️⃣ First", "1 First"),
        ("Talk™ ©2020", "Talk™ ©2020"),
        ("... OK.", "OK."),
        ("?? — …", ""),
        ("one\n  two", "one two"),
    ],
)
def test_marks_are_shown_not_spoken(text: str, spoken: str) -> None:
    assert speakable(text) == spoken


@pytest.mark.parametrize(
    "text",
    [
        "2 * 3 * 4 = 24 and 5*3*2",
        "2**8 is a*b",
        "snake_case_name in __init__.py",
        "5 < 6 > 4",
        "C# and #1 and a #tag",
        "~5 kg, x|y, a || b",
        "*.py files",
        "It costs $5 and $6.",
        "Il coûte 1 234,50 € !",
        "¿Cómo estás?",
        "क्‍षि नमस्ते",
        "½ cup",
        "AT&T; R&D",
    ],
)
def test_what_is_no_markdown_stays(text: str) -> None:
    assert speakable(text) == text


def test_formulas_are_read_without_their_marks() -> None:
    assert speakable(r"The area is $\pi r^2$ and $\frac{a}{b}$.") == "The area is pi r^2 and a / b."


def test_marks_in_the_middle_of_a_line_are_no_list() -> None:
    assert speakable("+ 5 more", line_start=False) == "+ 5 more"


@pytest.mark.parametrize("picture", ["🇮🇳", "👩\u200d👩", "🎉 ", "👍🏽"])
def test_a_line_of_pictures_takes_the_time_of_its_length(picture: str) -> None:
    """A pattern that gave back and began anew took minutes for this many."""
    assert speakable(f"Well {picture * 20_000} done {picture * 20_000}!") == "Well done!"
