"""What one agent's pod can read in the chart's Redis, and that agents get their users back whatever happens to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.cluster import Namespace, ready_agents, until
from tests.e2e.served import Served
from tests.e2e.workloads import scripted_model, talk_agent

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
POD = "deploy/talkagent-assistant"
# Runs in an agent's pod, with what its container has: prints what Redis answers to a key, and to a listing of keys.
LOOK = """
import asyncio, json, os, sys
from talk_kit.redis_address import exchange
from talk_kit.redis_settings import RedisSettings
from talk_kit.settings import load

async def look():
    connection = load(RedisSettings, os.environ).redis().connection()
    await connection.connect()
    answers = await exchange(connection, [("HGETALL", sys.argv[1]), ("KEYS", "*"), ("EVAL", sys.argv[2], 0)])
    await connection.disconnect(nowait=True)
    return [str(answer) for answer in answers]

print(json.dumps(asyncio.run(look())))
"""


@pytest.fixture(scope="module")
def team(served: Served) -> Iterator[Namespace]:
    """Another agent of the name `assistant`, in the team's namespace."""
    served.team.apply(*scripted_model())
    served.team.apply(
        talk_agent("assistant", "You are the team's own.", f"http://model.{served.team.name}.svc:8000/v1")
    )
    served.team.kubectl("wait", "--for=condition=Ready", "talkagent/assistant", "--timeout=180s")
    yield served.team
    served.team.kubectl("delete", "talkagent", "assistant")


@pytest.fixture
def gateway(served: Served, team: Namespace) -> Iterator[httpx.Client]:
    with served.release.forwarded("svc/talk-gateway", 8080) as client:
        until("the gateway knows them", lambda: f"assistant.{team.name}" in ready_agents(client) or None, 60)
        yield client


def ask(gateway: httpx.Client, agent: str, session: str = "redis-users") -> httpx.Response:
    return gateway.post(f"/v1/agents/{agent}/chat", json={"session_id": session, "message": "Who are you?"})


def looked(space: Namespace, agent: str) -> list[str]:
    """What the pod of `space` gets of a session of an agent."""
    key = f"talk:1:{{{agent}/redis-users}}:session:="
    script = f"return redis.call('HGETALL', '{key}')"
    answers: list[str] = json.loads(space.kubectl("exec", POD, "-c", "agent", "--", "python", "-c", LOOK, key, script))
    return answers


def stored(served: Served) -> list[str]:
    """The sessions of the release's assistant, by the agent's own command and its own user."""
    command = ["python", "-m", "talk_agent.sessions", "assistant", "list"]
    return served.release.kubectl("exec", POD, "-c", "agent", "--", *command).splitlines()


def turns_work_again(gateway: httpx.Client, agents: list[str]) -> None:
    for agent in agents:
        until(f"{agent} takes turns", lambda agent=agent: ask(gateway, agent).status_code == 200 or None, 90)  # type: ignore[misc]


def test_an_agents_pod_reads_its_own_conversations_and_no_others(
    served: Served, team: Namespace, gateway: httpx.Client
) -> None:
    foreign = f"assistant.{team.name}"
    for agent in ("assistant", foreign):
        assert ask(gateway, agent).status_code == 200
    for space, own, other in ((served.release, "assistant", foreign), (team, foreign, "assistant")):
        session, keys, script = looked(space, own)
        assert "version" in session
        assert "version" in script
        assert keys.startswith(("this user", "NOPERM", "User "))
        session, _, script = looked(space, other)
        for refused in (session, script):
            assert "permissions" in refused.lower()
            assert "version" not in refused


def test_no_container_that_stays_has_the_password_of_redis(served: Served, team: Namespace) -> None:
    drawn = served.release.get("secret", "talk-internal-talk-redis")["data"]["password"]
    for space in (served.release, team):
        pod: Any = space.pod("talk.dwani.ai/agent=assistant")
        assert "talk-internal" not in json.dumps(pod["spec"]["containers"])
        seen = space.kubectl("exec", POD, "-c", "agent", "--", "sh", "-c", "env | base64; cat /etc/talk-redis-user/*")
        assert "TALK_REDIS_PASSWORD" not in [each["name"] for each in pod["spec"]["containers"][0]["env"]]
        assert drawn not in seen


def test_history_outlives_a_redis_that_starts_again(served: Served, team: Namespace, gateway: httpx.Client) -> None:
    """On a volume of the pod's own: its container alone ends."""
    assert ask(gateway, "assistant").status_code == 200
    before = stored(served)
    script = 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli shutdown nosave'
    served.release.kubectl("exec", "talk-redis-0", "--", "sh", "-c", script, check=False)
    turns_work_again(gateway, ["assistant", f"assistant.{team.name}"])
    assert {line.split()[2] for line in before} <= {line.split()[2] for line in stored(served)}


def test_agents_get_their_users_back_from_the_operator(served: Served, team: Namespace, gateway: httpx.Client) -> None:
    """Another pod without what the first had: neither conversations nor users."""
    first = served.release.get("pod", "talk-redis-0")["metadata"]["uid"]
    served.release.kubectl("delete", "pod", "talk-redis-0", "--wait=true")
    until(
        "another Redis",
        lambda: served.release.pod("app.kubernetes.io/component=redis")["metadata"]["uid"] != first or None, 120,
    )  # fmt: skip
    turns_work_again(gateway, ["assistant", f"assistant.{team.name}"])
    assert stored(served)
