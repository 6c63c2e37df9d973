"""What an upgrade, and an uninstall, leave."""

from __future__ import annotations

import pytest

from tests.e2e.cluster import Namespace, offline, ready_agents, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
SECRET = "talk-internal-talk-redis"


def password(namespace: Namespace) -> str:
    drawn: str = namespace.get("secret", SECRET)["data"]["password"]
    return drawn


def test_an_upgrade_keeps_conversations_password_and_agents(namespace: Namespace) -> None:
    namespace.install("talk", *offline())
    first = password(namespace)
    with namespace.forwarded("svc/talk-gateway", 8080) as gateway:
        until("the agent is ready", lambda: ready_agents(gateway) or None, 120)
        assert gateway.post("/v1/chat", json={"text": "Hello.", "session_id": "kept"}).status_code == 200
    before = keys(namespace)
    assert any("kept" in key for key in before)
    agent = namespace.get("talkagent", "assistant")["metadata"]["uid"]
    # Another configuration, so that Redis itself restarts.
    namespace.install("talk", *offline(), "--set", "redis.maxMemoryMiB=200")
    assert password(namespace) == first
    assert keys(namespace) == before
    assert namespace.get("talkagent", "assistant")["metadata"]["uid"] == agent
    namespace.helm("uninstall", "talk", "--wait")
    until("the agent of the values is gone", lambda: not namespace.get("talkagents", selector="!none") or None, 60)
    assert password(namespace) == first
    assert "talk.dwani.ai" in namespace.kubectl("get", "crd", "talkagents.talk.dwani.ai", "-o", "name")


def keys(namespace: Namespace) -> list[str]:
    script = 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli --raw keys "talk:1:*"'
    return sorted(namespace.kubectl("exec", "talk-redis-0", "--", "sh", "-c", script).splitlines())
