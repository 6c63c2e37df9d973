"""The chart alone: no operator, no CRD; agents as they are in the values."""

from __future__ import annotations

import pytest

from tests.e2e.cluster import Namespace, offline, ready_agents, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_an_agent_of_the_values_answers(namespace: Namespace) -> None:
    # Service links would plant TALK_PORT=tcp://... and TALK_LIMITS_... in the environment of every pod.
    for name in ("talk", "talk-limits"):
        namespace.kubectl("create", "service", "clusterip", name, "--tcp=80:80")
    namespace.install("talk", *offline(), "--set", "operator.enabled=false", "--set", "gateway.replicas=1")
    with namespace.forwarded("svc/talk-gateway", 8080) as gateway:
        until("the agent is ready", lambda: ready_agents(gateway) or None, 60)
        answer = gateway.post("/v1/chat", json={"text": "Hello, how are you?"})
        assert answer.status_code == 200, answer.text
        assert answer.json()["reply"].strip()
