"""Limits over the gateway's routes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import httpx
import pytest

from talk_kit.api_keys import ApiKey, CallerLimits, encode_keys, hash_of, new_key
from tests.fakes.speech import speech_wav
from tests.unit.talk_gateway.conftest import Gateway, StartGateway

pytestmark = pytest.mark.loopback

ALICE, BOT = new_key(), new_key()
ITEM = re.compile(r'"([a-z-]+)";r=(\d+);t=(\d+)')


def with_keys(folder: Path, **limits: int) -> dict[str, str]:
    file = folder / "keys.json"
    keys = (ApiKey("alice", hash_of(ALICE)), ApiKey("bot", hash_of(BOT), limits=CallerLimits(**limits)))
    file.write_bytes(encode_keys(keys))
    return {"TALK_AUTH_MODE": "apiKey", "TALK_AUTH_FILE": str(file)}


async def say(gateway: Gateway, key: str = ALICE, **headers: str) -> httpx.Response:
    return await gateway.client.post("/v1/chat", json={"text": "Hi"}, headers={"X-API-Key": key, **headers})


def standings(answer: httpx.Response) -> dict[str, int]:
    return {kind: int(left) for kind, left, _ in ITEM.findall(answer.headers.get("ratelimit", ""))}


async def test_every_answer_tells_what_is_left_until_it_is_429(tmp_path: Path, start_gateway: StartGateway) -> None:
    environ = {**with_keys(tmp_path), "TALK_LIMIT_REQUESTS_PER_MINUTE": "2", "TALK_LIMIT_IP_REQUESTS_PER_MINUTE": "50"}
    async with start_gateway(**environ) as gateway:
        assert [standings(await say(gateway)) for _ in range(2)] == [{"ip": 49, "caller": 1}, {"ip": 48, "caller": 0}]
        streamed = await say(gateway, Accept="text/event-stream")
        assert (streamed.status_code, streamed.json()["code"], streamed.json()["limit"]) == (
            429,
            "rate_limited",
            "caller",
        )
        assert standings(streamed) == {"ip": 47, "caller": 0}
        assert '"caller";q=2;w=60' in streamed.headers["ratelimit-policy"]
        assert 1 <= int(streamed.headers["retry-after"]) <= 60
        spoken = await gateway.client.post(
            "/v1/speech_to_speech", files={"file": speech_wav()}, headers={"X-API-Key": ALICE}
        )
        assert spoken.status_code == 429
        assert (await say(gateway, BOT)).status_code == 200
        assert len(gateway.agent.asked) == 3


async def test_an_address_is_counted_before_its_credentials(tmp_path: Path, start_gateway: StartGateway) -> None:
    environ = {**with_keys(tmp_path), "TALK_LIMIT_IP_REQUESTS_PER_MINUTE": "3", "TALK_TRUSTED_PROXIES": "127.0.0.0/8"}
    async with start_gateway(**environ) as gateway:
        forwarded = {"X-Forwarded-For": "198.51.100.7"}
        guesses = [(await say(gateway, new_key(), **forwarded)).status_code for _ in range(4)]
        assert guesses == [401, 401, 401, 429]
        assert (await say(gateway, ALICE, **{"X-Forwarded-For": "198.51.100.8"})).status_code == 200
        assert (await gateway.client.get("/ready", headers=forwarded)).status_code == 200


async def test_without_trusted_proxies_nobody_chooses_an_address(start_gateway: StartGateway) -> None:
    async with start_gateway(TALK_LIMIT_IP_REQUESTS_PER_MINUTE="2") as gateway:
        answers = [(await say(gateway, **{"X-Forwarded-For": f"198.51.100.{at}"})).status_code for at in range(4)]
        assert answers == [200, 200, 429, 429]


async def test_turns_at_once_are_bounded_for_a_key(tmp_path: Path, start_gateway: StartGateway) -> None:
    async with start_gateway(**with_keys(tmp_path, concurrent_turns=1)) as gateway:
        gate = asyncio.Event()
        gateway.agent.script = ["One.", gate]
        first = asyncio.create_task(say(gateway, BOT))
        await gateway.agent.begun.wait()
        second = await say(gateway, BOT)
        assert (second.status_code, second.json()["limit"]) == (429, "turns")
        gate.set()
        assert (await first).status_code == 200
        assert (await say(gateway, BOT)).status_code == 200


async def test_an_agents_own_limit_is_kept_and_no_limit_is_the_default(
    tmp_path: Path, start_gateway: StartGateway
) -> None:
    file = tmp_path / "agents.yaml"
    file.write_text(
        "apiVersion: talk.dwani.ai/v1alpha1\nkind: TalkAgent\nmetadata: {name: viva-examiner}\n"
        "spec: {instruction: Ask., limits: {requestsPerMinute: 2}}\n"
    )
    async with start_gateway(TALK_AGENT_FILES=str(file)) as gateway:
        asked = [
            (await gateway.client.post("/v1/agents/viva-examiner/chat", json={"message": "Hi"})).status_code
            for _ in range(3)
        ]
        assert asked == [200, 200, 429]
        assert all([(await say(gateway)).status_code == 200 for _ in range(5)])


async def test_tokens_of_a_day_are_counted_from_what_providers_say(tmp_path: Path, start_gateway: StartGateway) -> None:
    async with start_gateway(**with_keys(tmp_path, tokens_per_day=10)) as gateway:
        answers = [await say(gateway, BOT) for _ in range(3)]  # seven tokens a turn
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[-1].json()["limit"] == "tokens"
        assert int(answers[-1].headers["retry-after"]) > 80_000
