"""When an agent is live, ready and well."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.waiting import eventually
from tests.unit.talk_agent.conftest import Agent, ServeAgent

pytestmark = pytest.mark.loopback

KEY = {"apiKeySecretRef": {"name": "openai-key", "key": "apiKey"}}


async def probe(agent: Agent, path: str = "/ready") -> tuple[int, dict[str, Any]]:
    response = await agent.client.get(agent.url + path)
    return response.status_code, response.json()


async def ready(agent: Agent) -> bool:
    return (await probe(agent))[0] == 200


def failing(body: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["message"] for check in body["checks"] if not check["ok"]}


async def test_a_well_agent_is_ready_and_shows_its_checks(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    async with serve_agent(llm.url) as agent:
        await eventually(lambda: ready(agent))
        status, body = await probe(agent)
        assert (status, body["ready"]) == (200, True)
        assert [check["name"] for check in body["checks"]] == ["model", "references", "sessions"]
        assert (await probe(agent, "/healthz"))[0] == 200
        assert (await probe(agent, "/health"))[1]["status"] == "ok"
        assert llm.probes[0].path == "/v1/models"
        assert llm.probes[0].headers["authorization"] == "Bearer sk-default"


async def test_an_agent_whose_model_is_gone_is_live_and_not_ready_until_it_answers(
    llm: FakeLlm, serve_agent: ServeAgent
) -> None:
    working, llm.models = llm.models, fake.status(500)
    async with serve_agent(llm.url) as agent:
        await eventually(lambda: bool(llm.probes))
        status, body = await probe(agent)
        assert status == 503
        assert list(failing(body)) == ["model"]
        assert "secret" not in str(body)
        assert (await probe(agent, "/healthz"))[0] == 200
        assert (await probe(agent, "/health")) == (200, {"status": "degraded", "checks": body["checks"]})

        llm.models = working
        await eventually(lambda: ready(agent), 15.0)


async def test_a_fallback_that_answers_is_enough(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    model = {"name": "openai/m", "baseURL": "http://127.0.0.1:9/v1", "fallbacks": [{"name": "openai/m"}]}
    async with serve_agent(llm.url, model=model) as agent:
        await eventually(lambda: ready(agent))
        assert (await agent.say("Hello")).status_code == 200


async def test_a_missing_secret_is_named_and_taken_when_it_comes(
    llm: FakeLlm, serve_agent: ServeAgent, tmp_path: Path
) -> None:
    async with serve_agent(llm.url, model=KEY) as agent:
        await eventually(lambda: agent.service.health.checks[1].message != "not checked yet")
        message = failing((await probe(agent))[1])["references"]
        assert "openai-key" in message
        assert "apiKey" in message
        refused = await agent.say("Hello")
        assert refused.status_code == 503
        assert not llm.requests

        secret = tmp_path / "secrets" / "openai-key" / "apiKey"
        secret.parent.mkdir(parents=True)
        secret.write_text("sk-mounted\n")
        await eventually(lambda: ready(agent), 15.0)
        assert (await agent.say("Hello")).status_code == 200
        assert llm.requests[0].headers["authorization"] == "Bearer sk-mounted"

        secret.write_text("  sk-changed  ")
        await agent.say("Hello")
        assert llm.requests[1].headers["authorization"] == "Bearer sk-changed"


async def test_a_secret_in_the_same_file_or_the_environment_is_taken(llm: FakeLlm, serve_agent: ServeAgent) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "openai-key"},
        "data": {"apiKey": "c2stdGVzdC0xMjM0NTY3ODkwCg=="},
    }
    async with serve_agent(llm.url, model=KEY, documents=(secret,)) as agent:
        await agent.say("Hello")
    async with serve_agent(llm.url, model=KEY, environ={"TALK_SECRET_OPENAI_KEY_APIKEY": "sk-env"}) as agent:
        await agent.say("Hello")

    keys = [request.headers["authorization"] for request in llm.requests]
    assert keys == ["Bearer sk-test-1234567890", "Bearer sk-env"]


@pytest.mark.parametrize("content", ["", " \n", "sk-\x00x", "two\nlines"])
async def test_a_secret_that_cannot_be_a_header_is_told_without_its_text(
    llm: FakeLlm, serve_agent: ServeAgent, tmp_path: Path, content: str
) -> None:
    secret = tmp_path / "secrets" / "openai-key" / "apiKey"
    secret.parent.mkdir(parents=True)
    secret.write_text(content)
    async with serve_agent(llm.url, model=KEY) as agent:
        await eventually(lambda: agent.service.health.checks[1].message != "not checked yet")
        body = (await probe(agent))[1]
        assert "openai-key" in failing(body)["references"]
        response = await agent.say("Hello")

    assert response.status_code == 503
    assert "sk-" not in str(body) + response.text
    assert not llm.requests
