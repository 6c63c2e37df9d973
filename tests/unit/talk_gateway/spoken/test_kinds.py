"""Each kind of the corpus with other words: the reference is the list itself, joined by a space."""

from __future__ import annotations

import pytest

from talk_gateway.spoken import SpeechSplitter
from tests.unit.talk_gateway.spoken.streams import split

KINDS: dict[str, list[list[str]]] = {
    "numbers": [
        ["It rose from 3.5 to 1,234,567.89 units.", "Then it fell to 0.5."],
        ["Population: 1,00,000.50 lakh.", "It grew in 2024.", "Next."],
        ["Es kostet 1.000,50 €.", "Das macht 3,50 Euro, bitte."],
        ["The ratio is 3:30.", "See pages 5–6 from 10.30 to 11.45.", "OK."],
        ["Call +91 98450 12345 or (080) 2345-6789.", "It is 080.2345.6789.", "Bye."],
        ["It ran on 192.168.0.1:443 with TLS 1.3.", "Python 3.11.2 works."],
        ["Price: $5.", "Then $10-$20 or US$5.5M.", "Done."],
        ["Mr. and Mrs. Smith paid Rs. 5,00,000/- on 26/01/2024.", "Fine."],
    ],
    "addresses": [
        ["Mail bob@example.museum or ann.lee@x.photography.", "Thanks."],
        ["Visit https://example.com/a.b?c=d&e=f!g.", "Then go on."],
        ["Is it at http://localhost:8080/v1/chat?", "No, it is at talk.dwani.ai/v1.", "Try it!"],
        ["The site is: https://www.example.50.com/new-site/awesome_content.html.", "Please check it out."],
        ["See www.foo.org?x=1?", "Yes."],
        ["It's at C:\\Users\\x.y\\z.txt.", "Ok."],
    ],
    "abbreviations": [
        ["Prof. Smith vs. Mr. Jones, Inc.", "The case is closed."],
        ["Apple Inc. announced it.", "They closed the deal with Pitt, Briggs & Co. at noon."],
        ["She has a Ph.D. in math.", "He has a Ph.D.", "She teaches."],
        ["See p. 12 and pp. 12-14, approx. 5 kg, No. 5, № 5, Fig. 3, Vol. IV.", "Then stop."],
        ["Is it so?", "No.", "I will not."],
        ["I work for the U.S. Government in Virginia.", "I live in the E.U.", "How about you?"],
        ["It is at 9 a.m. Monday.", "Or 9 p.m.", "It is late."],
        ["The meeting is on Mon. 5 Jan. at 3 p.m. EST.", "Please come."],
        ["You can find it at N°. 1026.253.553.", "That is where the treasure is."],
        ["My name is Jonas E. Smith.", "Please turn to p. 55."],
        ["Vitamin C.", "Then plan B.", "As tall as I.", "We left."],
        ["She works at Yahoo! in the accounting department."],
        ["That is JFK Jr.'s book.", "St. Michael's Church is on 5th st. near the light."],
        ["Never mind.", "TELL ME.", "HE LEFT.", "It was art.", "We sat.", "In the sun.", "Too."],
        ["HE SAID NO.", "DR. RAO LEFT.", "STOP!"],
    ],
    "other languages": [
        [
            "Am 3. Oktober ist Feiertag.",
            "Der 2. Weltkrieg endete.",
            "Das sind z. B. Äpfel, d. h. Obst bzw. Gemüse usw.",
        ],
        ["Il est né le 5 janv. 2020.", "Mme. Durand est là, c.-à-d. ici.", "Bien !"],
        ["La Sra. López y el Dr. Ruiz viven en EE. UU. desde el 3.5.2020.", "¿Vale?", "¡Sí!"],
        ["Это ул. Ленина, д. 5.", "М. Горький родился в 1868 г. в городе.", "И т.д.", "Потом."],
        ["डॉ. राव आए।", "मूल्य रु. 5,000.50 है।", "ठीक है.", "धन्यवाद!"],
        ["আমি ভালো আছি।", "তুমি কেমন আছ?", "ডা. রায় এলেন।"],
        ["வணக்கம்.", "நீங்கள் எப்படி இருக்கிறீர்கள்?", "நான் நலம்."],
        ["میں ٹھیک ہوں۔", "آپ کیسے ہیں؟", "شکریہ۔"],
        ["안녕하세요.", "저는 학생입니다.", "진짜요?"],
        ["გამარჯობა.", "როგორ ხარ?", "კარგად."],
        ["Բարեւ։", "Ինչպե՞ս ես:", "Լավ։"],
        ["ሰላም።", "እንዴት ነህ፧", "ደህና።"],
        ["မင်္ဂလာပါ။", "နေကောင်းလား။"],
        ["សួស្តី។", "អ្នកសុខសប្បាយទេ?"],
        ["བཀྲ་ཤིས།", "བདེ་ལེགས།"],
        ["Τι κάνεις;", "Είμαι καλά."],
        ["ราคา 3.50 บาท พ.ศ. 2567 ค่ะ"],
    ],
    "quotes and brackets": [
        ["Il a dit « Bonjour. »", "Puis il part.", "« Quoi ? ! » dit-il.", "Très bien : oui."],
        ["Er sagte: „Das ist gut.“", "Dann ging er.", "»Hallo.«", "Er kam."],
        ["He left (it was late. Very late.) and slept.", "(She stayed.)", "They talked."],
        ["He teaches science (He worked for 5 years as an engineer.) at the local University."],
        ['"Really?" she asked.', '"Yes."', "He nodded.", "“Go on.”"],
        ["It is true.[^1]", "Next one.[2]", "Done.¹", "Yes."],
    ],
    "ellipses and runs": [
        ["I never meant that....", "She left the store."],
        ["Wait... what?!", "Really‽", "Yes⁉️", "OK."],
        ["I wasn't really ... well, what I'm saying . . . no."],
    ],
    "names with dots": [
        ["Call System.Out.println or Foo.Bar.", "Then stop."],
        ["Use e.g. Python 3.11, npm v10.2, or C++17.", "Run main.py or Node.js."],
    ],
    "markup": [
        ["Try `a. b` and ``c ` d. e``.", "Then `unclosed.", "One more."],
        ["The sum $a. b$ is \\(x. y\\) or $$p! Q.$$ here.", "Set $HOME.", "Go."],
        ["See [a. b](https://en.wikipedia.org/wiki/X_(y)?z.) and <https://a.b/c?d>.", "Ok."],
        ["![A cat. Nice!](http://x.y/a.png) is a cat.", "[![b. c](c.d)](e.f) is one."],
        ["5 < 6 and a<b.", "Then."],
    ],
    "lists in a line": [
        ["1. The first item", "2. The second item"],
        ["1) The first item", "2) The second item"],
        ["a) One.", "b) Two."],
        ["• One", "• Two"],
    ],
}


@pytest.mark.parametrize(
    "sentences", [pytest.param(case, id=f"{kind}-{case[0]}") for kind, cases in KINDS.items() for case in cases]
)
def test_sentences_are_told_apart(sentences: list[str]) -> None:
    text = " ".join(sentences)
    assert [piece.text for piece in split([text])] == sentences
    assert [piece.text for piece in split(text)] == sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["他说：“你好。”", "然后他走了。", "真的吗？！", "是的……好吧。"],
        ["彼は「行こう。」と言った。", "それから帰った。", "「はい。」", "彼は答えた。"],
        ["价格是￥1,234.56元。", "网址是www.example.com。", "好！"],
        ["价格为3.5元.", "今天很好."],
        ["That's all folks!", "And more.", "What?", "Yes."],
        ["步骤：1.打开应用。", "2.按键。"],
    ],
)
def test_stops_need_no_space(sentences: list[str]) -> None:
    text = "".join(sentences)
    assert [piece.text for piece in split([text])] == sentences
    assert [piece.text for piece in split(text)] == sentences


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        (
            "# Title: what is it?\nText here\n## 1. Intro\nBody.",
            ["# Title: what is it?", "Text here", "## 1. Intro", "Body."],
        ),
        ("Result\n===\nMore\n\n---\n\nEnd\n***", ["Result", "===", "More", "---", "End", "***"]),
        ("1. One\n   - Sub one\n   - Sub two\n2. Two. More.", ["1. One", "- Sub one", "- Sub two", "2. Two.", "More."]),
        ("- item one\n  goes on.\n- item two", ["- item one\n  goes on.", "- item two"]),
        ("| A | B. C |\n|---|---|\n| 1.5 | x! |\nAfter.", ["| A | B. C |", "|---|---|", "| 1.5 | x! |", "After."]),
        ("> Quote one.\n> Still\n> going on\n\nAfter.", ["> Quote one.", "> Still\n> going on", "After."]),
        (
            "The President of the\nUnited States spoke\nand left.",
            ["The President of the\nUnited States spoke\nand left."],
        ),
        ("Flour\nWater\r\nSalt", ["Flour", "Water", "Salt"]),
        ("One<br>Two<p>Three.</p>", ["One<br>", "Two", "<p>Three.</p>"]),
        ("1、第一\n2、第二", ["1、第一", "2、第二"]),
    ],
)
def test_lines_and_blocks_are_boundaries(text: str, texts: list[str]) -> None:
    assert [piece.text for piece in split([text])] == texts
    assert [piece.text for piece in split(text)] == texts


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        ("Code:\n```python\nx = 1.\ny = 2!", ["Code:", "```python\nx = 1.\ny = 2!"]),
        ("~~~\na. B\n~~~\nDone.", ["~~~\na. B\n~~~", "Done."]),
        ("Run this: ```sh\nls . X\n```\nThen", ["Run this:", "```sh\nls . X\n```", "Then"]),
        ("````\n```\nA. B\n````\nC", ["````\n```\nA. B\n````", "C"]),
        (" \n<think>Not closed. At all.", ["<think>Not closed. At all."]),
        ("<thinking>A. B</thinking>\n\nC.", ["<thinking>A. B</thinking>", "C."]),
    ],
)
def test_code_and_reasoning_are_whole_and_silent(text: str, texts: list[str]) -> None:
    pieces = split(text)
    assert [piece.text for piece in pieces] == texts
    assert pieces == split([text])
    assert all(not piece.spoken for piece in pieces if piece.text[0] in "`~<")


def test_a_later_mention_of_the_tag_is_text() -> None:
    pieces = split(["Use it. <think> is a tag. So is </think> too."])
    assert [piece.spoken for piece in pieces] == ["Use it.", "<think> is a tag.", "So is </think> too."]


def test_long_code_is_one_piece() -> None:
    code = "```\n" + "x = 1\n" * 500 + "```"
    assert [piece.text for piece in split(["Look:\n" + code + "\nDone."])] == ["Look:", code, "Done."]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("let me check. it is sunny. what else?", ["let me check.", "it is sunny.", "what else?"]),
        ("pens etc. are sold here. they are red.", ["pens etc. are sold here.", "they are red."]),
        ("see node.js docs. then try it.", ["see node.js docs.", "then try it."]),
        ("the dept. is closed at 5 p.m. and all day.", ["the dept. is closed at 5 p.m. and all day."]),
        ("smith et al. are right.", ["smith et al. are right."]),
    ],
)
def test_text_that_is_written_small_throughout(text: str, sentences: list[str]) -> None:
    for step in (len(text), 1, 3):
        splitter = SpeechSplitter(first_clause=False)
        pieces = [p for i in range(0, len(text), step) for p in splitter.feed(text[i : i + step], 0.0)]
        assert [p.text.strip() for p in [*pieces, *splitter.end_message()]] == sentences
