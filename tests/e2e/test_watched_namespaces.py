"""Agents of another namespace that the release serves: known, asked and kept as `name.namespace`."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.cluster import Namespace, ready_agents, until
from tests.e2e.served import Served
from tests.e2e.workloads import scripted_model, talk_agent

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def team(served: Served) -> Iterator[Namespace]:
    """The team's `assistant`, named as the release's own is, and a `planner` that asks an `assistant`."""
    served.team.apply(*scripted_model())
    url = f"http://model.{served.team.name}.svc:8000/v1"
    tools = [{"agent": {"name": "assistant"}}]
    agents = [
        talk_agent("assistant", "You are the team's own.", url, description="The team's."),
        talk_agent("planner", "You plan.", url, tools=tools),
    ]
    served.team.apply(*agents)
    for each in ("assistant", "planner"):
        served.team.kubectl("wait", "--for=condition=Ready", f"talkagent/{each}", "--timeout=180s")
    yield served.team
    served.team.kubectl("delete", "talkagents", "assistant", "planner")


@pytest.fixture
def gateway(served: Served, team: Namespace) -> Iterator[httpx.Client]:
    """The gateway, once it knows the team's agents."""
    with served.release.forwarded("svc/talk-gateway", 8080) as client:
        wanted = {"assistant", f"assistant.{team.name}", f"planner.{team.name}"}
        until("the gateway knows them", lambda: wanted <= set(ready_agents(client)) or None, 30)
        yield client


def ask(gateway: httpx.Client, agent: str, session: str) -> str:
    answer = gateway.post(f"/v1/agents/{agent}/chat", json={"session_id": session, "message": "Who are you?"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["reply"])


def test_an_agent_answers_as_name_and_namespace(gateway: httpx.Client, team: Namespace) -> None:
    assert "the team's own" in ask(gateway, f"assistant.{team.name}", "one")


def test_its_status_has_the_address_that_answers(gateway: httpx.Client, team: Namespace) -> None:
    url = team.get("talkagent", "assistant")["status"]["url"]
    assert httpx.URL(url).path == f"/v1/agents/assistant.{team.name}/chat"


def test_an_agent_asks_the_one_of_its_own_namespace(gateway: httpx.Client, team: Namespace) -> None:
    """The release has an `assistant` too, which is not meant."""
    assert "the team's own" in ask(gateway, f"planner.{team.name}", "two")


def test_agents_of_one_name_keep_sessions_apart(served: Served, gateway: httpx.Client, team: Namespace) -> None:
    ask(gateway, "assistant", "shared-id")
    ask(gateway, f"assistant.{team.name}", "shared-id")
    script = 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli --raw keys "talk:1:*session:*"'
    kept = served.release.kubectl("exec", "talk-redis-0", "--", "sh", "-c", script).splitlines()
    for name in ("assistant", f"assistant.{team.name}"):
        assert f"talk:1:{{{name}/shared-id}}:session:=" in kept


def test_a_talkagent_where_nobody_serves_stays_as_it_is(served: Served, gateway: httpx.Client) -> None:
    served.outside.apply(talk_agent("stray", "Be brief.", "http://model.nowhere.svc:8000/v1"))
    try:
        # The gateway and the operator saw what came later.
        later = talk_agent("later", "Be brief.", "http://model.nowhere.svc:8000/v1", suspend=True)
        served.team.apply(later)
        served.team.kubectl("wait", "--for=condition=Ready=false", "talkagent/later", "--timeout=30s")
        assert "status" not in served.outside.get("talkagent", "stray")
        assert not served.outside.get("deployments", selector="talk.dwani.ai/agent")
        assert not [each for each in gateway.get("/v1/agents").json()["agents"] if "stray" in each["name"]]
    finally:
        served.outside.kubectl("delete", "talkagent", "stray")
        served.team.kubectl("delete", "talkagent", "later", "--ignore-not-found")
