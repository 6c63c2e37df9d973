"""What the gateway shows beside turns: agents, health, metrics, the page, CORS, reserved routes."""

from __future__ import annotations

import httpx
import pytest

from talk_gateway.directory import static
from talk_gateway.settings import read
from talk_kit.settings import SettingsError
from tests.fakes.waiting import eventually
from tests.unit.talk_gateway.conftest import Gateway, StartGateway

pytestmark = pytest.mark.loopback


async def listed(client: httpx.AsyncClient) -> list[dict[str, object]]:
    agents: list[dict[str, object]] = (await client.get("/v1/agents")).json()["agents"]
    return agents


async def test_agents_are_listed_with_their_readiness_and_its_reason(
    start_gateway: StartGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(static, "POLL_SECONDS", 0.05)
    async with start_gateway(("one", "two")) as gateway:
        gateway.other_agents["two"].ready = False

        async def told() -> bool:
            agents = await listed(gateway.client)
            return bool(agents[0]["ready"]) and "model:" in str(agents[1].get("reason"))

        await eventually(told)
        agents = await listed(gateway.client)
    assert agents[1] == {
        "name": "two", "description": "", "ready": False, "voice": True, "languages": [],
        "reason": "model: the model does not answer",
    }  # fmt: skip


async def test_the_gateway_is_ready_whatever_its_agents_are(start_gateway: StartGateway) -> None:
    async with start_gateway(("one",), TALK_AGENTS="one=http://127.0.0.1:9") as gateway:
        assert (await gateway.client.get("/healthz")).status_code == 200
        ready = await gateway.client.get("/ready")
        assert (ready.status_code, ready.json()) == (200, {"ready": True, "checks": []})
        assert (await gateway.client.get("/health")).json()["status"] == "ok"


async def test_metrics_count_routes_by_their_template(gateway: Gateway) -> None:
    await gateway.client.post("/v1/agents/assistant/chat", json={"message": "Hi"})
    await gateway.client.get("/no/such/path")
    text = (await gateway.client.get("/metrics")).text
    assert 'talk_gateway_http_requests_total{method="POST",route="/v1/agents/{agent_name}/chat",status="200"}' in text
    assert "no/such" not in text
    assert 'talk_gateway_turn_stage_seconds_count{stage="first_audio"}' in text
    assert 'talk_gateway_turns_total{agent="assistant",kind="chat",outcome="completed"}' in text
    assert "talk_gateway_build_info" in text


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/models", "/v1/audio/speech", "/v1/nothing", "/../etc/passwd"]
)
async def test_reserved_and_unknown_paths_are_problem_answers(gateway: Gateway, path: str) -> None:
    answer = await gateway.client.post(path)
    assert answer.status_code in (404, 405)
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_wrong_method_names_the_right_ones(gateway: Gateway) -> None:
    answer = await gateway.client.get("/v1/chat")
    assert (answer.status_code, answer.json()["code"], answer.headers["allow"]) == (405, "method_not_allowed", "POST")


async def test_a_client_that_reads_plain_json_gets_the_problem_as_such(gateway: Gateway) -> None:
    answer = await gateway.client.post("/v1/chat", json={}, headers={"Accept": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json")


async def test_no_cors_header_unless_origins_are_set(gateway: Gateway, start_gateway: StartGateway) -> None:
    origin = {"Origin": "https://talk.example.com"}
    assert "access-control-allow-origin" not in (await gateway.client.get("/v1/agents", headers=origin)).headers
    async with start_gateway(TALK_CORS_ORIGINS="https://talk.example.com") as other:
        allowed = await other.client.get("/v1/agents", headers=origin)
        assert allowed.headers["access-control-allow-origin"] == "https://talk.example.com"
        stranger = await other.client.get("/v1/agents", headers={"Origin": "https://evil.example.com"})
        assert "access-control-allow-origin" not in stranger.headers


@pytest.mark.parametrize("path", ["/v1/agents", "/v1/chat", "/health", "/metrics", "/openapi.json", "/no/such", "/"])
async def test_no_answer_is_to_be_taken_for_another_type_or_sets_a_cookie(gateway: Gateway, path: str) -> None:
    answer = await gateway.client.get(path)
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert "set-cookie" not in answer.headers


async def test_the_page_may_load_nothing_from_elsewhere(gateway: Gateway) -> None:
    answer = await gateway.client.get("/")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize(
    ("environ", "words"),
    [
        ({"TALK_PROT": "1"}, "Did you mean TALK_PORT?"),
        ({"TALK_PORT": "tcp://10.0.0.1:80"}, "whole number"),
        ({"TALK_ASR_BASE_URL": "localhost:8090"}, "absolute"),
        ({"TALK_ASR_BASE_URL": "http://me:secret@host/v1"}, "without user"),
        ({"TALK_AGENTS": "one"}, "name=url"),
    ],
)
def test_settings_that_cannot_be_used_say_what_to_do(environ: dict[str, str], words: str) -> None:
    with pytest.raises(SettingsError, match=words.replace("?", r"\?")):
        read(environ)


def test_an_empty_variable_is_an_absent_one_and_keys_stay_hidden() -> None:
    settings = read({"TALK_PORT": " ", "TALK_ASR_API_KEY": "canary-key"})
    assert settings.port == 8080
    assert "canary" not in repr(settings)
