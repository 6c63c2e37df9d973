"""A gateway that asks for API keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from talk_gateway.auth.key_file import KeyFile
from talk_gateway.deps import build_deps
from talk_gateway.settings import read
from talk_kit.api_keys import ApiKey, encode_keys, hash_of, new_key
from talk_kit.http_client import HttpPool
from talk_kit.settings import SettingsError
from tests.fakes.waiting import eventually
from tests.unit.talk_gateway.conftest import StartGateway

pytestmark = pytest.mark.loopback

ALICE, BOB, GONE = new_key(), new_key(), new_key()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    past = datetime.now(UTC) - timedelta(days=1)
    write(path, ApiKey("alice", hash_of(ALICE)), ApiKey("bob", hash_of(BOB), ("viva-examiner",)),
          ApiKey("carol", hash_of(GONE), expires=past))  # fmt: skip
    return path


def write(path: Path, *keys: ApiKey) -> None:
    path.write_bytes(encode_keys(keys))


def settings(file: Path) -> dict[str, str]:
    return {"TALK_AUTH_MODE": "apiKey", "TALK_AUTH_FILE": str(file)}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Basic {ALICE}"},
        {"X-API-Key": f"{ALICE}x"},
        {"X-API-Key": GONE},
        {"X-API-Key": ALICE, "Authorization": f"Bearer {BOB}"},
        {"X-API-Key": "x" * 17_000},
    ],
)
async def test_without_a_valid_key_nothing_of_v1_answers(
    file: Path, start_gateway: StartGateway, headers: dict[str, str]
) -> None:
    async with start_gateway(**settings(file)) as gateway:
        for method, path in [
            ("GET", "/v1/agents"),
            ("POST", "/v1/chat"),
            ("POST", "/v1/agents/assistant/chat"),
            ("POST", "/v1/speech_to_speech"),
            ("GET", "/v1/nothing"),
        ]:
            answer = await gateway.client.request(method, path, headers=headers, json={"text": "Hi", "message": "Hi"})
            assert answer.status_code == 401
            assert answer.json()["code"] == "unauthenticated"
            assert answer.headers["www-authenticate"].startswith('Bearer realm="talk"')
            assert ("error=" in answer.headers["www-authenticate"]) is (
                headers not in ({}, {"Authorization": "Bearer"})
            )
            assert ALICE not in answer.text
        assert gateway.agent.asked == []


@pytest.mark.parametrize("headers", [{"Authorization": f"bearer  {ALICE}"}, {"X-API-Key": ALICE}])
async def test_a_key_lets_in_by_either_header(file: Path, start_gateway: StartGateway, headers: dict[str, str]) -> None:
    async with start_gateway(**settings(file)) as gateway:
        answer = await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers=headers)
        assert answer.status_code == 200
        assert not any(ALICE in value for value in gateway.agent.headers[0].values())


async def test_probes_and_page_stay_open(file: Path, start_gateway: StartGateway) -> None:
    async with start_gateway(**settings(file)) as gateway:
        for path in ("/healthz", "/ready", "/health", "/metrics"):
            assert (await gateway.client.get(path)).status_code == 200, path
        assert (await gateway.client.get("/")).status_code in (200, 404)


async def test_a_key_for_some_agents_sees_and_uses_only_those(file: Path, start_gateway: StartGateway) -> None:
    async with start_gateway(**settings(file)) as gateway:
        bob = {"X-API-Key": BOB}
        listed = (await gateway.client.get("/v1/agents", headers=bob)).json()
        assert [agent["name"] for agent in listed["agents"]] == ["viva-examiner"]
        refused = await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers=bob)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
        unknown = await gateway.client.post("/v1/agents/nobody/chat", json={"message": "Hi"}, headers=bob)
        assert unknown.json()["known"] == ["viva-examiner"]
        taken = await gateway.client.post("/v1/agents/viva_examiner/chat", json={"message": "Hi"}, headers=bob)
        assert taken.status_code == 200


async def test_browsers_read_the_refusal(file: Path, start_gateway: StartGateway) -> None:
    origin = {"Origin": "https://a.example"}
    async with start_gateway(**settings(file), TALK_CORS_ORIGINS="https://a.example") as gateway:
        asked = {**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
        assert (await gateway.client.options("/v1/chat", headers=asked)).status_code == 200
        refused = await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers=origin)
        assert refused.status_code == 401
        assert refused.headers["access-control-allow-origin"] == "https://a.example"


async def test_a_changed_file_counts_without_a_restart_and_a_broken_one_does_not(file: Path) -> None:
    keys = KeyFile(file, poll=0.01)
    async with HttpPool() as pool, keys.running(pool):
        write(file, ApiKey("alice", hash_of(GONE)))
        await eventually(lambda: [key.name for key in keys._keys] == ["alice"])
        file.write_bytes(b"{half")  # noqa: ASYNC240 - some bytes
        keys.refresh()
        (check,) = keys.checks()
        check.record(await check._failure())
        assert not check.ok
        assert [key.name for key in keys._keys] == ["alice"]
        write(file)
        keys.refresh()
        check.record(await check._failure())
        assert check.ok
        assert keys._keys == ()


@pytest.mark.parametrize("content", [None, "{", '{"keys": [{"name": "a", "sha256": "talk_canary"}]}'])
def test_a_gateway_does_not_start_without_a_file_that_can_be_read(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "keys.json"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(SettingsError) as refused:
        build_deps(read(settings(path)))
    assert "TALK_AUTH_FILE" in str(refused.value)
    assert "canary" not in str(refused.value)


def test_the_mode_needs_its_file() -> None:
    with pytest.raises(SettingsError, match="TALK_AUTH_FILE is not set"):
        build_deps(read({"TALK_AUTH_MODE": "apiKey"}))
