"""The real gateway on loopback, asked whatever its OpenAPI document allows and forbids (Schemathesis).

No answer is a 500 or comes late, and each is one that the document has. `make fuzz` asks for much longer.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from requests.exceptions import ChunkedEncodingError
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from talk_gateway.api_document import document
from tests.fakes.speech import speech_wav
from tests.unit.talk_gateway.conftest import start

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(600)]

ANSWER_SECONDS = 10
SPOKEN = speech_wav(0.5)
# Some 20 s of CPU in all; the profile of `make fuzz` has its own number.
EXAMPLES = min(50, settings().max_examples) if settings().max_examples <= 100 else settings().max_examples
Case = schemathesis.Case[Any]
CheckFunction = Callable[..., bool | None]
API = schemathesis.openapi.from_dict(document(metrics=True))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A gateway with fakes behind it, in a thread: Schemathesis asks from a loop-less test."""
    told: list[str] = []
    up, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with start() as gateway:
            told.append(str(gateway.client.base_url))
            up.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), name="gateway")
    thread.start()
    try:
        assert up.wait(30)
        yield told[0]
    finally:
        over.set()
        thread.join(30)


@API.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_as_documented(case: Case, url: str) -> None:
    _likely(case)
    # More than the document says is accepted of ids and texts, and bytes of any file are refused as such.
    unchecked: list[CheckFunction] = [negative_data_rejection, not_a_server_error]
    if "speech" in case.path:
        unchecked.append(positive_data_acceptance)
    try:
        answer = case.call_and_validate(base_url=url, timeout=ANSWER_SECONDS, excluded_checks=unchecked)
    except ChunkedEncodingError:
        # Sound whose turn runs out of its caller's time is cut off.
        assert "speech" in case.path
        assert "X-Request-Timeout" in (case.headers or {})
        return
    # 502, 503 and 504 are answers: a caller may give its turn a millisecond.
    assert answer.status_code != 500


def _likely(case: Case) -> None:
    """Half of the requests know an agent and bring sound, by what was drawn, so that turns do run."""
    if isinstance(case.path_parameters, dict) and _even(case.path_parameters.get("agent_name")):
        case.path_parameters["agent_name"] = "assistant"
    if isinstance(case.body, dict):
        if "file" in case.body and _even(case.body["file"]):
            case.body = {**case.body, "file": SPOKEN}  # type: ignore[dict-item]
        if case.headers and "session_id" in case.body:
            case.headers.pop("X-Session-ID", None)
    if isinstance(case.query, dict) and _even(case.query.get("agent_name")):
        case.query.pop("agent_name")


def _even(drawn: object) -> bool:
    return drawn is not None and len(str(drawn)) % 2 == 0
