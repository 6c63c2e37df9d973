"""The whole gateway over a small Kubernetes API: what callers of its routes see."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from prometheus_client import REGISTRY

from talk_gateway.app import create_app
from talk_gateway.deps import build_deps
from talk_gateway.directory.kubernetes import KubernetesDirectory
from talk_gateway.settings import read
from talk_kit.settings import SettingsError
from tests.fakes.agent import FakeAgent
from tests.fakes.kube_api import FakeKubeApi, endpoint, endpoint_slice, talk_agent
from tests.fakes.serving import serve, serve_all
from tests.fakes.waiting import eventually
from tests.unit.talk_gateway.directory.conftest import config_of

pytestmark = pytest.mark.loopback


@asynccontextmanager
async def gateway(api: FakeKubeApi) -> AsyncIterator[httpx.AsyncClient]:
    settings = read({"TALK_DIRECTORY": "static"})
    async with serve(api.app()) as api_url:
        directory = KubernetesDirectory(config_of(api_url), watched=["team"], pace=0.01, shorten=0.02)
        deps = replace(build_deps(settings), directory=directory)
        async with serve(create_app(settings, deps)) as url, httpx.AsyncClient(base_url=url, timeout=20) as client:

            async def ready() -> bool:
                return (await client.get("/ready")).status_code == 200

            await eventually(ready)
            yield client


def failed_turns(agent: str) -> float:
    labels = {"agent": agent, "code": "agent_not_ready"}
    return REGISTRY.get_sample_value("talk_gateway_turn_errors_total", labels) or 0.0


async def test_agents_come_answer_and_go_without_a_restart(api: FakeKubeApi) -> None:
    fake = FakeAgent()
    async with serve_all(fake.app()) as (agent_url,), gateway(api) as client:
        port = urlsplit(agent_url).port or 0
        path = "/v1/agents/viva_examiner.team/chat"

        async def status() -> int:
            return (await client.post(path, json={"message": "Hi"})).status_code

        assert await status() == 404
        agent = talk_agent("viva-examiner", "team", message="The Secret llm is missing.")
        api.put(agent)

        async def refused() -> bool:
            return await status() == 503

        await eventually(refused)
        answer = await client.post(path, json={"message": "Hi"})
        assert answer.headers["retry-after"]
        assert answer.json()["code"] == "agent_not_ready"
        assert answer.json()["detail"] == "The agent viva-examiner.team is not ready: The Secret llm is missing."
        assert (await client.get("/ready")).status_code == 200
        before = failed_turns("viva-examiner.team")
        await client.post(path, json={"message": "Hi"})
        await client.post("/v1/speech_to_speech?agent_name=viva_examiner.team", files={"file": b"RIFF"})
        assert failed_turns("viva-examiner.team") == before + 2, "users met a failure, though no turn began"

        api.put(endpoint_slice("viva-examiner", endpoint("127.0.0.1"), namespace="team", port=port))

        async def answered() -> bool:
            return await status() == 200

        await eventually(answered)
        assert fake.asked[-1]["agent"] == "viva-examiner"
        (listed,) = (await client.get("/v1/agents")).json()["agents"]
        assert (listed["name"], listed["ready"]) == ("viva-examiner.team", True)

        api.delete(agent)

        async def gone() -> bool:
            return await status() == 404

        await eventually(gone)


async def test_a_voice_turn_for_an_agent_without_a_pod_is_refused_before_it_is_heard(api: FakeKubeApi) -> None:
    api.put(talk_agent("helper", message="No node has room."))
    async with gateway(api) as client:
        answer = await client.post(
            "/v1/speech_to_speech?agent_name=helper",
            headers={"Accept": "text/event-stream"},
            files={"file": ("a.wav", b"RIFF")},
        )
        assert (answer.status_code, answer.json()["code"]) == (503, "agent_not_ready")
        assert "No node has room." in answer.json()["detail"]


def test_the_cluster_is_found_by_its_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config"
    path.write_text(
        json.dumps(
            {
                "current-context": "here",
                "clusters": [{"name": "here", "cluster": {"server": "http://127.0.0.1:9"}}],
                "users": [{"name": "me", "user": {"token": "canary-token"}}],
                "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": "dev"}}],
            }
        )
    )
    monkeypatch.setenv("KUBECONFIG", str(path))
    settings = read({"TALK_DIRECTORY": "kubernetes", "TALK_WATCH_NAMESPACES": "team", "TALK_AGENT_VOICE": "{}"})
    directory = build_deps(settings).directory
    assert isinstance(directory, KubernetesDirectory)
    assert directory._namespace == "dev"


def test_without_a_cluster_the_settings_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))
    with pytest.raises(SettingsError, match="TALK_DIRECTORY is kubernetes, and no cluster is configured"):
        build_deps(read({"TALK_DIRECTORY": "kubernetes"}))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("TALK_DIRECTORY", "etcd", "one of static, kubernetes"),
        ("TALK_AGENT_VOICE", "[]", "JSON object"),
        ("TALK_AGENT_VOICE", "{", "JSON object"),
        ("TALK_AGENTS", "a=http://one|two", "absolute"),
    ],
)
def test_settings_of_the_directory_that_cannot_be_used(name: str, value: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        read({name: value})
