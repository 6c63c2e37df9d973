"""The OpenAPI document against the app: the same routes, methods and errors, and a valid document."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from starlette.routing import Mount, Route

from talk_gateway.api_document import document
from talk_gateway.api_document.schemas import CODES, SCHEMAS
from talk_gateway.app import create_app
from talk_gateway.deps import build_deps
from talk_gateway.page import page_routes, web_folder
from talk_gateway.settings import read
from talk_kit.errors import BY_CODE, Cancelled
from tests.unit.talk_gateway.conftest import Gateway

DOCUMENT = document(metrics=True)
# DESIGN's statuses of a turn; 415 belongs to recordings.
OF_TURNS = {"400", "401", "403", "404", "408", "409", "413", "422", "429", "431", "500", "502", "503", "504"}
OF_SPEECH = OF_TURNS | {"415"}


def served(**environ: str) -> set[tuple[str, str]]:
    """Route and method of everything but the page."""
    settings = read({"TALK_ASR_BASE_URL": "http://asr/v1", "TALK_TTS_BASE_URL": "http://tts/v1", **environ})
    page = {route.path for route in page_routes(web_folder())}
    found = set()
    for route in create_app(settings, build_deps(settings)).routes:
        assert isinstance(route, Route | Mount)
        if route.path not in page:
            assert isinstance(route, Route)
            # A route that names no method is an app of its own (TurnRoute) or a mistake.
            found |= {(route.path, method) for method in (route.methods or {"ANY"}) - {"HEAD"}}
    return found


def described(shown: dict[str, Any]) -> set[tuple[str, str]]:
    return {(path, method.upper()) for path, item in shown["paths"].items() for method in item}


def test_every_route_is_described_and_nothing_else() -> None:
    assert served() == described(DOCUMENT)


def test_metrics_are_described_where_they_are_served() -> None:
    assert served(TALK_METRICS_PORT="9090") == described(document(metrics=False))


@pytest.mark.parametrize(
    ("path", "statuses"),
    [
        ("/v1/chat", OF_TURNS),
        ("/v1/agents/{agent_name}/chat", OF_TURNS),
        ("/v1/speech_to_speech", OF_SPEECH),
    ],
)
def test_a_turn_has_every_status_of_the_contract(path: str, statuses: set[str]) -> None:
    assert set(DOCUMENT["paths"][path]["post"]["responses"]) == {"200"} | statuses


def test_every_error_is_a_problem_under_both_types_with_a_request_id() -> None:
    for name, answer in DOCUMENT["components"]["responses"].items():
        assert set(answer["content"]) == {"application/problem+json", "application/json"}, name
        assert "X-Request-ID" in answer["headers"], name
    assert "Retry-After" in DOCUMENT["components"]["responses"]["Problem429"]["headers"]
    assert "WWW-Authenticate" in DOCUMENT["components"]["responses"]["Problem401"]["headers"]


def test_every_code_of_the_error_tree_is_named() -> None:
    assert set(CODES) == (set(BY_CODE) - {Cancelled.code}) | {"method_not_allowed"}


def test_every_status_of_the_error_tree_is_an_answer_of_voice_turns() -> None:
    statuses = {str(cls.status) for code, cls in BY_CODE.items() if code != Cancelled.code}
    assert statuses == OF_SPEECH


def test_all_references_lead_somewhere() -> None:
    for reference in _references(DOCUMENT):
        at: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            at = at[part]


def test_all_schemas_are_valid() -> None:
    for schema in SCHEMAS.values():
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.loopback
async def test_it_is_served(gateway: Gateway) -> None:
    answer = await gateway.client.get("/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json() == DOCUMENT


def _references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if "$ref" in node else []
        return own + [found for value in node.values() for found in _references(value)]
    if isinstance(node, list):
        return [found for value in node for found in _references(value)]
    return []
