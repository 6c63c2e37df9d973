from __future__ import annotations

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_kit.errors import BY_CODE, SessionBusy, TalkError, UnknownAgent, from_code
from talk_kit.events import TurnFailed
from talk_kit.names import canonical_agent_name, check_session_id, is_agent_name, request_id_or_new
from talk_kit.problems import EXCEPTION_HANDLERS
from talk_kit.serving import middleware
from tests.fakes.serving import serve


def app_raising(error: Exception) -> Starlette:
    async def endpoint(_request: Request) -> Response:
        raise error

    return Starlette(
        routes=[Route("/", endpoint)], middleware=middleware("test"), exception_handlers=EXCEPTION_HANDLERS
    )


@pytest.mark.parametrize("cls", BY_CODE.values())
def test_every_code_names_one_error_with_a_status_and_a_title(cls: type[TalkError]) -> None:
    assert BY_CODE[cls.code] is cls
    assert 400 <= cls.status <= 504
    assert cls.title
    # What may be tried again is never the caller's own mistake.
    assert not (cls.retryable and cls.status in (400, 401, 403, 404, 413, 415, 422))


def test_an_error_crosses_the_wire_by_its_code() -> None:
    again = from_code("session_busy", "Busy.", retry_after=3)
    assert isinstance(again, SessionBusy)
    assert (again.detail, again.retry_after) == ("Busy.", 3)
    assert from_code("unknown_agent", "No.").status == 404
    assert from_code("of the future", "?").status == 502


def test_an_error_that_is_not_ours_shows_nothing_of_itself() -> None:
    event = TurnFailed.of(ValueError("secret"))
    assert (event.code, "secret" in event.detail) == ("internal", False)


@pytest.mark.loopback
async def test_a_defect_is_500_with_the_request_id_and_without_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    async with serve(app_raising(ZeroDivisionError("secret"))) as url, httpx.AsyncClient() as client:
        answer = await client.get(url, headers={"X-Request-ID": "r-1"})
    assert (answer.status_code, answer.json()["request_id"], answer.headers["x-request-id"]) == (500, "r-1", "r-1")
    assert "secret" not in answer.text
    assert "request_failed" in capsys.readouterr().out


@pytest.mark.loopback
async def test_members_of_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    async with serve(app_raising(UnknownAgent("x", ["a", "b"]))) as url, httpx.AsyncClient() as client:
        body = (await client.get(url)).json()
    assert body == {
        "type": "urn:talk:problem:unknown_agent",
        "title": "Unknown agent",
        "status": 404,
        "detail": "No agent is named 'x'. Known agents: a, b.",
        "code": "unknown_agent",
        "retryable": False,
        "request_id": body["request_id"],
        "known": ["a", "b"],
    }


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("a-Z0._", True),
        ("x" * 128, True),
        ("x" * 129, False),
        ("a b", False),
        ("", False),
        (None, False),
        ("a\n", False),
    ],
)
def test_request_ids(raw: str | None, kept: bool) -> None:
    assert (request_id_or_new(raw) == raw) is kept
    assert request_id_or_new(raw)


@pytest.mark.parametrize("raw", ["", " a", "a ", "a\tb", "\u202ea\n", "x" * 129, "a\x7f"])
def test_session_ids_that_are_refused(raw: str) -> None:
    with pytest.raises(TalkError):
        check_session_id(raw)


def test_names_of_agents() -> None:
    assert canonical_agent_name(" viva_examiner ") == "viva-examiner"
    assert is_agent_name("3d-helper")
    assert not any(map(is_agent_name, ["", "-a", "a-", "A", "a.b", "a_b", "a" * 41, "a\n", "ａ"]))
