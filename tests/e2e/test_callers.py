"""Who may speak, on a cluster: keys from a Secret, sessions of callers, agents that answer their gateway only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from talk_kit.api_keys import ApiKey, CallerLimits, encode_keys, hash_of, new_key
from talk_kit.identity import Identity, Signer, new_keys
from tests.e2e.cluster import Namespace, until
from tests.e2e.workloads import Object, scripted_model

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ALICE, BOB, SLOW = (new_key() for _ in range(3))
ASK_AGENT = """
import sys, urllib.request, urllib.error
body = b'{"message": "Hello", "session_id": "s1"}'
headers = {"Content-Type": "application/json"}
if len(sys.argv) > 2:
    headers["X-Talk-Identity"] = sys.argv[2]
try:
    answer = urllib.request.urlopen(urllib.request.Request(sys.argv[1], body, headers), timeout=5)
    print(answer.status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


def keys(*chosen: ApiKey) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "callers"},
        "stringData": {"keys.json": encode_keys(chosen).decode()},
    }


def key(name: str, presented: str, **limits: Any) -> ApiKey:
    return ApiKey(name, hash_of(presented), limits=CallerLimits(**limits))


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace) -> Namespace:
    """A release that asks for keys, with a model that says at once what it was told."""
    space = shared_namespace
    slow = key("slow", SLOW, requests_per_minute=2)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "test"}, "stringData": {"key": ALICE}}
    space.apply(keys(key("alice", ALICE), key("bob", BOB), slow), secret, *scripted_model())
    values = {
        "crds": {"install": False},
        "auth": {"mode": "apiKey", "apiKey": {"existingSecret": "callers"}},
        "tests": {"credentialSecretRef": {"name": "test", "key": "key"}},
        "agentDefaults": {"model": {"name": "openai/scripted", "baseURL": f"http://model.{space.name}.svc:8000/v1"}},
        "redis": {"persistence": {"enabled": False}},
    }
    space.install("talk", values=values)
    space.kubectl("wait", "--for=condition=Ready", "talkagent/assistant", "--timeout=180s")
    return space


@pytest.fixture(scope="module")
def gateway(talk: Namespace) -> Iterator[httpx.Client]:
    with talk.forwarded("svc/talk-gateway", 8080) as client:
        until("a turn is answered", lambda: True if say(client, ALICE, "warm").status_code == 200 else None, 120)
        yield client


def say(gateway: httpx.Client, presented: str, session: str = "s1") -> httpx.Response:
    headers = {"Authorization": f"Bearer {presented}"} if presented else {}
    return gateway.post("/v1/chat", json={"text": "Hello", "session_id": session}, headers=headers)


def test_strangers_are_refused_and_sessions_belong_to_their_callers(gateway: httpx.Client) -> None:
    for presented in ("", new_key()):
        refused = say(gateway, presented)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
    assert say(gateway, ALICE).status_code == 200
    assert say(gateway, BOB).status_code == 404
    assert say(gateway, BOB, "s2").status_code == 200
    assert gateway.get("/").status_code == 200


def test_a_release_with_keys_passes_its_own_test(talk: Namespace, gateway: httpx.Client) -> None:
    assert "Succeeded" in talk.helm("test", "talk")


def test_limits_are_counted_by_all_gateways_together(talk: Namespace, gateway: httpx.Client) -> None:
    statuses = [say(gateway, SLOW, f"slow-{at}").status_code for at in range(3)]
    assert statuses == [200, 200, 429]
    script = 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli --raw keys "talk:limit*"'
    assert "key:slow" in talk.kubectl("exec", "talk-redis-0", "--", "sh", "-c", script)


def test_an_agent_answers_what_its_own_gateway_signed_and_nothing_else(talk: Namespace) -> None:
    """Asked from the gateway's own pod: the one place that the network policy lets in."""
    (agent,) = talk.get("pods", selector="talk.dwani.ai/agent=assistant")
    url = f"http://{agent['status']['podIP']}:8081/v1/agents/assistant/chat"
    gateway = talk.get("pods", selector="app.kubernetes.io/component=gateway")[0]["metadata"]["name"]
    forged = Signer(new_keys()[0]).sign(Identity("key:alice", "assistant", "s1"), 1e9)
    for header in ([], ["x.y.z"], [forged]):
        assert talk.python(gateway, ASK_AGENT, url, *header).strip() == "401"


def test_only_the_gateway_can_read_the_key_that_signs(talk: Namespace) -> None:
    holders = set()
    for each in talk.get("pods"):
        secrets = [volume["secret"]["secretName"] for volume in each["spec"].get("volumes", []) if "secret" in volume]
        if "talk-internal-talk-identity" in secrets:
            holders.add(each["metadata"]["labels"]["app.kubernetes.io/component"])
    assert holders == {"gateway"}


def test_a_revoked_key_is_refused_without_a_restart(talk: Namespace, gateway: httpx.Client) -> None:
    before = {each["metadata"]["uid"] for each in talk.get("pods", selector="app.kubernetes.io/component=gateway")}
    talk.apply(keys(key("alice", ALICE)))
    talk.look_at_volumes("app.kubernetes.io/component=gateway")
    until("bob's key is refused", lambda: True if say(gateway, BOB, "s2").status_code == 401 else None, 150)
    assert say(gateway, ALICE).status_code == 200
    assert {e["metadata"]["uid"] for e in talk.get("pods", selector="app.kubernetes.io/component=gateway")} == before
