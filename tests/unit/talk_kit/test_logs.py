from __future__ import annotations

import logging

import orjson
import pytest
import structlog

from talk_kit import logs
from talk_kit.context import bind


def lines(output: str) -> list[dict[str, object]]:
    return [orjson.loads(line) for line in output.splitlines()]


def test_each_event_is_one_json_line_with_what_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("talk-x", "info", "key")
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id="r")
    bind(agent_name="a", session_id="my session")
    logs.get_logger("m").info("turn_ended", seconds=1.5, note="one\ntwo")
    logs.get_logger("m").debug("not_shown")
    logging.getLogger("uvicorn.error").error("plain %s", "words")
    first, second = lines(capsys.readouterr().out)
    assert first | {"timestamp": ""} == {
        "timestamp": "", "level": "info", "message": "turn_ended", "service": "talk-x", "module": "m",
        "request_id": "r", "agent_name": "a", "session_id": logs.session_hash("my session"), "seconds": 1.5,
        "note": "one\ntwo",
    }  # fmt: skip
    assert (second["message"], second["level"], second["request_id"]) == ("plain words", "error", "r")
    structlog.contextvars.clear_contextvars()


def test_an_exception_is_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("talk-x")
    try:
        raise ValueError("why")
    except ValueError:
        logs.get_logger("m").exception("broken")
    (line,) = lines(capsys.readouterr().out)
    assert "ValueError: why" in str(line["exception"])


def test_a_session_is_named_by_a_keyed_hash() -> None:
    logs.configure("a", hash_key="one")
    first = logs.session_hash("s")
    assert first == logs.session_hash("s") != logs.session_hash("t")
    assert len(first) == 16
    logs.configure("a", hash_key="two")
    assert logs.session_hash("s") != first
