"""Each example answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from talk_agent.app import create_app
from talk_agent.dependencies import read_dependencies
from talk_agent.settings import Settings
from tests.fakes.llm import FIXED_REPLY, FakeLlm
from tests.fakes.serving import serve

pytestmark = pytest.mark.loopback

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
async def test_an_example_answers(llm: FakeLlm, file: Path) -> None:
    settings = Settings(agent_file=str(file), agent_name=file.stem, model="openai/m", base_url=llm.url)
    deps = replace(read_dependencies(settings, {}), settle=lambda: None)
    async with serve(create_app(settings, deps)) as url, httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/v1/agents/{file.stem}/chat", json={"message": "Hello"}, timeout=30)

    assert answer.json()["reply"] == FIXED_REPLY
    assert llm.requests[-1].json["messages"][0]["content"] == deps.agent.spec.instruction
