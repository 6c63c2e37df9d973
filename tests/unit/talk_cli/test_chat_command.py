"""`talk chat` against a gateway on loopback that answers as the test says."""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from talk_cli.__main__ import main
from talk_kit.events import ReplyDelta, ToolStarted, TurnCompleted, TurnEvent, TurnFailed, TurnStarted
from talk_kit.sse import encode
from tests.fakes.serving import serve

pytestmark = pytest.mark.loopback

STARTED = TurnStarted("t", "s", "a")


class Gateway:
    """Answers each turn with the next of `answers`, and keeps what it was asked."""

    def __init__(self, *answers: list[TurnEvent] | Response) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.app = Starlette(routes=[Route("/v1/agents/{name}/chat", self.chat, methods=["POST"])])

    async def chat(self, request: Request) -> Response:
        self.asked.append((request.path_params["name"], await request.json()))
        answer = self.answers.pop(0)
        if isinstance(answer, Response):
            return answer
        return StreamingResponse(self.events(answer), media_type="text/event-stream")

    async def events(self, events: list[TurnEvent]) -> AsyncIterator[bytes]:
        yield b": comment\n\n"
        for event in events:
            yield encode(event)


async def talk(gateway: Gateway, *arguments: str) -> int:
    async with serve(gateway.app) as url:
        return await asyncio.to_thread(main, ["chat", "--url", url, *arguments])


async def test_the_reply_is_printed_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[TurnEvent] = [
        STARTED,
        ReplyDelta("Grüße, "),
        ToolStarted("1", "local-guide"),
        ReplyDelta("\u2028du."),
        TurnCompleted("x"),
    ]
    gateway = Gateway(events)
    assert await talk(gateway, "viva_examiner", "-m", "Hallo") == 0
    captured = capsys.readouterr()
    assert captured.out == "Grüße, \u2028du.\n"
    assert "(local-guide ...)" in captured.err
    name, body = gateway.asked[0]
    assert name == "viva-examiner"
    assert body["message"] == "Hallo"


async def test_a_session_is_kept_over_turns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("one\n\n  \ntwo\n"))
    done: list[TurnEvent] = [STARTED, ReplyDelta("ok"), TurnCompleted("ok")]
    gateway = Gateway(done, done)
    assert await talk(gateway, "a", "--session", "my-session") == 0
    assert [body for _, body in gateway.asked] == [
        {"session_id": "my-session", "message": "one"},
        {"session_id": "my-session", "message": "two"},
    ]
    assert "--session my-session" in capsys.readouterr().err


async def test_a_reply_does_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[TurnEvent] = [STARTED, ReplyDelta("a\x1b[2Jb\n\x07\x9bc"), TurnCompleted("x")]
    assert await talk(Gateway(done), "a", "-m", "x") == 0
    assert capsys.readouterr().out == "a[2Jb\nc\n"


async def test_a_turn_that_fails_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    events: list[TurnEvent] = [STARTED, ReplyDelta("half"), TurnFailed("deadline", "The turn took too long.", True)]
    assert await talk(Gateway(events), "a", "-m", "x") == 1
    captured = capsys.readouterr()
    assert captured.out == "half\n"
    assert captured.err == "talk chat: The turn took too long. (deadline; please try again)\n"


async def test_a_problem_answer_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    problem = {"detail": "No agent is named 'x'. Known agents: a.", "code": "unknown_agent", "request_id": "r1"}
    refusal = JSONResponse(problem, 404, {"Content-Type": "application/problem+json", "Retry-After": "2"})
    assert await talk(Gateway(refusal), "x", "-m", "x") == 1
    err = capsys.readouterr().err
    assert err == "talk chat: No agent is named 'x'. Known agents: a. (unknown_agent; try again in 2 s; request r1)\n"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (PlainTextResponse("<html>secret", 502), "HTTP 502"),
        ([STARTED, ReplyDelta("half")], "broke off"),
        (Response(b"event: reply.delta\ndata: {\n\n", media_type="text/event-stream"), "cannot be read"),
        (PlainTextResponse("hello"), "broke off"),
    ],
)
async def test_an_answer_that_is_none_is_told(
    answer: list[TurnEvent] | Response, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await talk(Gateway(answer), "a", "-m", "x") == 1
    err = capsys.readouterr().err
    assert words in err
    assert "secret" not in err


def test_nobody_there_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "a", "--url", "http://127.0.0.1:9", "-m", "x"]) == 1
    assert "is `talk run` running?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--url", "localhost:8080"], ["--session", "x" * 129]])
def test_what_cannot_be_used_is_told(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chat", "a", "-m", "x", *arguments]) == 2
    assert capsys.readouterr().err.startswith("talk chat: ")
