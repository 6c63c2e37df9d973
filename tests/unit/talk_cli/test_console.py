"""What people see on a terminal, and what a file gets."""

from __future__ import annotations

import io
import json
import re

from talk_cli.running.console import Console

EVENT = {
    "level": "warning",
    "timestamp": "2026-11-25T13:14:15.123Z",
    "message": "turn_failed",
    "service": "talk-agent",
    "module": "x",
    "code": "deadline",
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def written(stream: io.StringIO, *, colour: bool = False) -> str:
    text = stream.getvalue().replace("\r\x1b[K", "")
    return text if colour else re.sub(r"\x1b\[\d+m", "", text)


def console(stream: io.StringIO, **environ: str) -> Console:
    return Console(stream, environ, ["gateway", "a"])


def test_a_terminal_gets_a_condensed_line_under_the_name() -> None:
    stream = Terminal()
    console(stream).line("a", json.dumps(EVENT))
    assert written(stream) == "      a | 13:14:15 warning: turn_failed code=deadline\n"
    assert "\x1b[33m" in stream.getvalue()


def test_an_exception_keeps_its_lines() -> None:
    stream = Terminal()
    console(stream).line("a", json.dumps(EVENT | {"exception": "Traceback\n  ValueError"}))
    assert [line[:9] for line in written(stream).splitlines()] == ["      a |"] * 3


def test_a_file_gets_the_json_as_it_is_and_other_text_under_the_name() -> None:
    stream = io.StringIO()
    lines = console(stream)
    lines.line("a", json.dumps(EVENT))
    lines.line("a", "Traceback (most recent call last):")
    assert written(stream) == json.dumps(EVENT) + "\n      a | Traceback (most recent call last):\n"


def test_nothing_in_a_log_steers_the_terminal() -> None:
    stream = Terminal()
    lines = console(stream, NO_COLOR="1")
    lines.line("a", json.dumps(EVENT | {"message": "a\x1b]52;c;x\x07", "code": "b\x1b[2J\x9b"}))
    lines.line("a", "plain \x1b[2J")
    assert "\x1b" not in stream.getvalue().replace("\r\x1b[K", "")
    assert "\x9b" not in stream.getvalue()


def test_a_reader_that_left_does_not_end_the_processes() -> None:
    class Gone(io.StringIO):
        def write(self, text: str, /) -> int:
            raise BrokenPipeError

    console(Gone()).line("a", "x")


def test_no_color_is_respected() -> None:
    stream = Terminal()
    console(stream, NO_COLOR="1").line("a", json.dumps(EVENT))
    assert "m" not in re.findall(r"\x1b\[\d*(\w)", stream.getvalue())


def test_a_dumb_terminal_is_a_file() -> None:
    stream = Terminal()
    console(stream, TERM="dumb").line("a", json.dumps(EVENT))
    assert stream.getvalue() == json.dumps(EVENT) + "\n"


def test_progress_stays_below_the_lines_on_a_terminal() -> None:
    stream = Terminal()
    lines = console(stream)
    lines.progress("waiting")
    lines.line("a", "hello")
    lines.progress("")
    assert re.sub(r"\x1b\[\d+m", "", stream.getvalue()) == "\r\x1b[Kwaiting\r\x1b[K      a | hello\nwaiting\r\x1b[K"


def test_progress_is_a_line_for_each_change_in_a_file() -> None:
    stream = io.StringIO()
    lines = console(stream)
    for text in ("waiting for a", "waiting for a", ""):
        lines.progress(text)
    assert stream.getvalue() == "   talk | waiting for a\n"


def test_text_that_only_looks_like_json_is_text() -> None:
    stream = io.StringIO()
    lines = console(stream)
    for text in ("{broken", "[1]", "{}x", ""):
        lines.line("a", text)
    assert stream.getvalue().splitlines() == [f"      a | {text}" for text in ("{broken", "[1]", "{}x", "")]
