"""Two releases of one name in two namespaces: neither touches the other. The second has a Redis of its own, by TLS."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import trustme

from tests.e2e.cluster import Namespace, offline, ready_agents, run, until
from tests.e2e.served import Served
from tests.e2e.workloads import pod, service, talk_agent

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

PORT = 6380
PASSWORD = "p#w@r/d:%41 \\$end"
# No status of theirs changes by itself.
STILL = "secret,configmap,serviceaccount,role,rolebinding,networkpolicy"
GROWING = "deployment,statefulset,service,talkagent"
KEYS = (
    'REDISCLI_AUTH="$(cat /files/password)" redis-cli --tls --cacert /files/ca.crt --user talk'
    ' -h "$0" -p "$1" --raw keys "talk:1:*"'
)


def versions(space: Namespace) -> dict[str, str]:
    """What changes when somebody writes an object of the release or of its agent `assistant`: its version, or its
    generation where a status is written too. Other tests' agents come and go beside them."""
    found = {}
    for kinds, field in ((STILL, "resourceVersion"), (GROWING, "generation")):
        for each in space.get(kinds):
            meta = each["metadata"]
            name, instance = f"{each['kind']}/{meta['name']}", meta.get("labels", {}).get("app.kubernetes.io/instance")
            if name == "TalkAgent/assistant" or instance in {"talk", "talkagent-assistant"}:
                found[name] = f"{meta['uid']} {meta.get(field)}"
    return found


def secret(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


class Second:
    """The second release; `host` is the name in its Redis' certificate."""

    def __init__(self, space: Namespace, untouched: dict[str, str]) -> None:
        self.space, self.untouched = space, untouched
        self.host = f"own-redis.{space.name}.svc.cluster.local"
        self.authority, self.stranger = trustme.CA(), trustme.CA()

    def start_redis(self) -> None:
        """With a certificate of our own authority, and one user."""
        issued = self.authority.issue_cert(self.host)
        hashed = hashlib.sha256(PASSWORD.encode()).hexdigest()
        files = {
            "tls.crt": issued.cert_chain_pems[0].bytes().decode(),
            "tls.key": issued.private_key_pem.bytes().decode(),
            "ca.crt": self.pem(self.authority),
            "users.acl": f"user default off\nuser talk on #{hashed} ~* &* +@all\n",
            "password": PASSWORD,
        }
        options = {
            "port": "0", "tls-port": str(PORT), "tls-auth-clients": "no", "tls-cert-file": "/files/tls.crt",
            "tls-key-file": "/files/tls.key", "tls-ca-cert-file": "/files/ca.crt", "aclfile": "/files/users.acl",
            "save": "", "dir": "/tmp",
        }  # fmt: skip
        command = ["redis-server", *(word for name, value in options.items() for word in (f"--{name}", value))]
        redis = pod("own-redis", *command, port=PORT, of="own-redis")
        redis["spec"]["containers"][0]["image"] = "docker.io/library/redis:8"
        self.space.apply(secret("own-redis", **files), redis, service("own-redis", PORT))

    def pem(self, authority: trustme.CA) -> str:
        """A certificate as the Secret of `caSecret` has it."""
        return authority.cert_pem.bytes().decode()

    def install(self, **more: Any) -> None:
        """Without waiting: it cannot become ready yet."""
        external = {
            "host": self.host, "port": PORT, "tls": True, "caSecret": {"name": "redis-ca"}, "username": "talk",
            "existingSecret": "my-redis",
        }  # fmt: skip
        values = {"redis": {"external": external}, "gateway": {"replicas": 1}, "local": {"parts": ["llm"]}, **more}
        self.space.install("talk", *offline(), values=values, wait=0)

    def kept(self) -> str:
        """What its Redis holds."""
        return self.space.kubectl("exec", "own-redis", "--", "sh", "-c", KEYS, self.host, str(PORT))

    def said(self, *words: str) -> dict[str, str] | None:
        """The agent's condition Ready, once its message has the words."""
        found = self.space.condition("assistant", "Ready")
        return found if all(word in found.get("message", "") for word in words) else None


@pytest.fixture(scope="module")
def second(served: Served, shared_namespace: Namespace) -> Second:
    """Its Secret lacks the key, and its authority is the wrong one."""
    made = Second(shared_namespace, versions(served.release))
    assert {"Deployment/talk-gateway", "Deployment/talkagent-assistant", "TalkAgent/assistant"} <= set(made.untouched)
    made.start_redis()
    shared_namespace.apply(secret("my-redis", other="x"), secret("redis-ca", **{"ca.crt": made.pem(made.stranger)}))
    made.install()
    until("there is the agent", lambda: made.space.get("talkagents") or None, 120)
    return made


def test_a_secret_without_the_key_is_told_with_both_names(second: Second) -> None:
    found = until("the condition names Secret and key", lambda: second.said("my-redis", "password"), 120)
    assert (found["status"], found["reason"]) == ("False", "ContainerConfigInvalid")


def test_a_wrong_authority_is_told_and_restarts_nothing(second: Second) -> None:
    second.space.apply(secret("my-redis", password=PASSWORD))
    found = until("the condition tells of TLS", lambda: second.said("TLS failed"), 120)
    assert found["status"] == "False"
    (agent,) = second.space.get("pods", selector="talk.dwani.ai/agent=assistant")
    assert agent["status"]["containerStatuses"][0]["restartCount"] == 0


@pytest.fixture
def gateway(second: Second) -> Iterator[httpx.Client]:
    """The second gateway, whose agent is ready."""
    if second.space.condition("assistant", "Ready").get("status") != "True":
        second.space.apply(secret("redis-ca", **{"ca.crt": second.pem(second.authority)}))
        # A mounted Secret follows within a minute or two; a new pod has it at once.
        second.space.kubectl("delete", "pod", "-l", "talk.dwani.ai/agent=assistant", "--wait=false")
        second.space.pod("talk.dwani.ai/agent=assistant")
    with second.space.forwarded("svc/talk-gateway", 8080) as client:
        until("the agent is ready", lambda: ready_agents(client) or None, 120)
        yield client


def test_a_turn_is_kept_in_a_redis_of_ones_own_over_tls(second: Second, served: Served, gateway: httpx.Client) -> None:
    answer = gateway.post("/v1/chat", json={"text": "Hello.", "session_id": "over-tls"})
    assert answer.status_code == 200, answer.text
    assert "{assistant/over-tls}" in second.kept()
    script = 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli --raw keys "talk:1:*"'
    assert "over-tls" not in served.release.kubectl("exec", "talk-redis-0", "--", "sh", "-c", script)


def test_each_gateway_knows_its_own_agents(second: Second, served: Served, gateway: httpx.Client) -> None:
    url = "http://model.nowhere.svc:8000/v1"
    second.space.apply(talk_agent("mine", "Be brief.", url, suspend=True))
    until("it is known here", lambda: "mine" in known(gateway) or None, 30)
    assert known(gateway) == {"assistant", "mine"}
    with served.release.forwarded("svc/talk-gateway", 8080) as other:
        assert not {name for name in known(other) if name.startswith("mine")}
    second.space.kubectl("wait", "--for=condition=Ready=false", "talkagent/mine", "--timeout=60s")
    assert second.space.name in second.space.get("talkagent", "mine")["status"]["url"]


def known(gateway: httpx.Client) -> set[str]:
    return {each["name"] for each in gateway.get("/v1/agents").json()["agents"]}


def test_an_upgrade_and_the_end_of_one_leave_the_other(second: Second, served: Served, gateway: httpx.Client) -> None:
    second.install(agents={"assistant": {"description": "Another one."}})
    second.space.helm("uninstall", "talk", "--wait")
    until("the agents of its values are gone", lambda: agents(second.space) == {"mine"} or None, 60)
    assert "talk.dwani.ai" in run("kubectl", "get", "crd", "talkagents.talk.dwani.ai", "-o", "name")
    now = versions(served.release)
    assert {name: now.get(name) for name in second.untouched} == second.untouched
    with served.release.forwarded("svc/talk-gateway", 8080) as first:
        assert first.post("/v1/chat", json={"text": "Hello."}).status_code == 200


def agents(space: Namespace) -> set[str]:
    return {each["metadata"]["name"] for each in json.loads(space.kubectl("get", "talkagents", "-o", "json"))["items"]}
