"""Attacks on the shared release, from a pod that is nobody's and from within Talk's own. `attacks.py` has them all."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest

from talk_kit.identity import CALL_SECONDS, Identity, Signer, new_keys
from tests.e2e.attacks import Tell
from tests.e2e.cluster import Namespace, run, until
from tests.e2e.served import Served
from tests.e2e.workloads import Object, talk_agent
from tests.unit.talk_gateway.hostile import IN_PATHS

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300)]

ROOM = "app.kubernetes.io/instance=talk,app.kubernetes.io/component="
SIEGE = Path(__file__).with_name("siege.py")
MEMORY_BYTES = 64 * 1024 * 1024
EXPECTED = {
    "slow head": {408}, "slow body": {408}, "slow upload": {408}, "large head": {431}, "many fields": {431},
    "endless trailer": {431}, "large body, declared": {413}, "large body, chunked": {413}, "decompression bomb": {400},
    "deep JSON": {400}, "no HTTP": {400}, "a turn": {200},
}  # fmt: skip


def test_a_siege_is_answered_and_leaves_the_gateway_well(served: Served, tell: Tell) -> None:
    """Everything at once, beside 1,000 connections that say nothing; the turn within it is an honest caller's."""
    before = gateway_pod(served)
    command = ["exec", "-i", "outsider", "--", "python", "-c", SIEGE.read_text(), before["status"]["podIP"]]
    said = json.loads(served.outside.kubectl(*command, "8080", "9090", stdin=json.dumps(IN_PATHS)))
    answers = said["answers"]
    for name, answer in answers.items():
        expected = EXPECTED.get(name, {400, 404, 405})
        assert answer["status"] in expected, (name, answer)
    for name in EXPECTED:
        tell(f"{name}: {answers[name]['status']} after {answers[name]['seconds']} s")
    names = [name for name in answers if name.startswith("agent ")]
    tell(f"names in paths: {len(names)}, all of them {sorted({answers[name]['status'] for name in names})}")
    at_first, held, after = (round(each / 2**20) for each in said["memory"])
    tell(f"memory: {at_first} MB; {held} MB with 1,000 connections, {said['idle']} to the end; {after} MB after all")
    assert said["last"]["status"] == 200
    assert said["memory"][1] - said["memory"][0] < MEMORY_BYTES
    now = gateway_pod(served)
    assert (now["metadata"]["uid"], restarts(now)) == (before["metadata"]["uid"], restarts(before))


def gateway_pod(served: Served) -> Any:
    return served.release.pod(f"{ROOM}gateway")


def restarts(pod: Any) -> int:
    return sum(each["restartCount"] for each in pod["status"]["containerStatuses"])


# Prints {name: status} for each identity that it is given; an empty one is none.
ASK_AGENT = """
import json, sys, urllib.error, urllib.request
url, body = sys.argv[1], b'{"message": "Hello.", "session_id": "attacked"}'
def status(token):
    headers = {"Content-Type": "application/json", **({"X-Talk-Identity": token} if token else {})}
    try:
        return urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code
print(json.dumps({name: status(token) for name, token in json.loads(sys.argv[2]).items()}))
"""


def test_an_agent_takes_no_identity_but_a_fresh_one_of_its_own(served: Served, tell: Tell) -> None:
    """Signed with the release's own key where that makes it worse, and asked from where the network lets it through."""
    kept = served.release.get("secret", "talk-internal-talk-identity")["data"]["identity.pem"]
    own, now = Signer(base64.b64decode(kept)), time.time()
    mine = Identity("", "assistant", "attacked")
    header, claims, _ = own.sign(mine, now).split(".")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    tokens = {
        "none": "",
        "garbage": "x.y.z",
        "of no algorithm": f"{unsigned}.{claims}.",
        "without its signature": f"{header}.{claims}.",
        "of another key": Signer(new_keys()[0]).sign(mine, now),
        "expired": own.sign(mine, now - CALL_SECONDS - 600),
        "of the future": own.sign(mine, now + 3_600),
        "of another agent": own.sign(Identity("", "examiner", "attacked"), now),
        "of another session": own.sign(Identity("", "assistant", "another"), now),
        "right": own.sign(mine, now),
    }
    agent = served.release.pod("talk.dwani.ai/agent=assistant")["status"]["podIP"]
    url = f"http://{agent}:8081/v1/agents/assistant/chat"
    pod = gateway_pod(served)["metadata"]["name"]
    said = json.loads(served.release.python(pod, ASK_AGENT, url, json.dumps(tokens)))
    tell(f"identities: {said}")
    assert said == {name: 200 if name == "right" else 401 for name in tokens}


# Prints {address: [port]} of what takes a connection, of {address: [port]}.
SCAN = """
import asyncio, json, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (min(2048, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),) * 2)
async def main(targets):
    places, found = asyncio.Semaphore(1000), {}
    async def look(address, port):
        async with places:
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 3)
            except (OSError, TimeoutError):
                return
            writer.close()
            found.setdefault(address, []).append(port)
    await asyncio.gather(*(look(address, port) for address, ports in targets.items() for port in ports))
    return found
print(json.dumps(asyncio.run(main(json.loads(sys.argv[1])))))
"""
PORTS = sorted({
    *range(8000, 8100), *range(9000, 9100), *range(6370, 6390), 22, 53, 80, 111, 443, 1080, 2375, 2379, 2380, 3000,
    3128, 3306, 4040, 4317, 4318, 5000, 5432, 5555, 5678, 5900, 5984, 7000, 7070, 8443, 8888, 9200, 9443, 10249, 10250,
    10255, 10256, 11211, 15020, 16379, 27017,
})  # fmt: skip
# In any spelling that a resolver takes for it.
METADATA = ("169.254.169.254", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "::ffff:169.254.169.254")
ROOMS = {"gateway", "operator", "redis", "local"}
METRICS = {"gateway:9090", "operator:9090", "local:9090", "agent:9090"}
OPEN = {
    "outsider": {"gateway:8080", "talk-gateway:8080", *METRICS},
    # The metrics too: its default model is a Service of this namespace, and a policy sees pods, not Services.
    "agent": {
        *("gateway:8080", "talk-gateway:8080", "redis:6379", "talk-redis:6379", "local:8090", "talk-local:8090"),
        *(METRICS - {"agent:9090"}),
    },
}


def test_a_scan_finds_the_declared_flows_and_nothing_else(served: Served, tell: Tell) -> None:
    pods = {name: served.release.pod(f"{ROOM}{name}") for name in sorted(ROOMS)}
    pods["agent"] = served.release.pod("talk.dwani.ai/agent=assistant")
    named = {pod["status"]["podIP"]: name for name, pod in pods.items()}
    targets = dict.fromkeys(named, PORTS)
    for each in served.release.get("services"):
        if (address := each["spec"].get("clusterIP", "None")) != "None":
            named[address] = each["metadata"]["name"]
            targets[address] = sorted({*(port["port"] for port in each["spec"]["ports"]), 80, 443})
    api = json.loads(run("kubectl", "-n", "default", "get", "service", "kubernetes", "-o", "json"))["spec"]["clusterIP"]
    sources = {"outsider": (served.outside, "outsider"), "agent": (served.release, pods["agent"]["metadata"]["name"])}
    found = {}
    for source, (space, pod) in sources.items():
        more = {api: [443], **{address: [80, 443] for address in METADATA}} if source == "agent" else {}
        asked = {address: ports for address, ports in targets.items() if named[address] != source} | more
        seen = json.loads(space.python(pod, SCAN, json.dumps(asked)))
        found[source] = {f"{named.get(address, address)}:{port}" for address, ports in seen.items() for port in ports}
        tell(f"{source}: of {sum(map(len, asked.values()))} ports open are {', '.join(sorted(found[source]))}")
    assert found == OPEN


URLS = (
    "http://169.254.169.254/v1", "https://169.254.169.254/v1", "https://2852039166/v1", "https://0xa9fea9fe/v1",
    "https://0251.0376.0251.0376/v1", "https://[::ffff:169.254.169.254]/v1", "https://[::ffff:a9fe:a9fe]/v1",
    "https://[64:ff9b::a9fe:a9fe]/v1", "https://kubernetes.default.svc/v1", "https://127.0.0.1/v1",
)  # fmt: skip


def test_no_base_url_leads_to_metadata_the_api_server_or_redis(served: Served, tell: Tell) -> None:
    space = served.release
    ip = json.loads(run("kubectl", "-n", "default", "get", "service", "kubernetes", "-o", "json"))["spec"]["clusterIP"]
    urls = (*URLS, f"https://{ip}/v1", f"http://talk-redis.{space.name}.svc:6379/v1", "http://talk-redis:6379/v1")
    agents = {f"ssrf-{at}": url for at, url in enumerate(urls)}
    asked = [talk_agent(name, "Be brief.", url) for name, url in agents.items()]
    given = json.dumps({"apiVersion": "v1", "kind": "List", "items": asked})
    try:
        names = space.kubectl("create", "-f", "-", "-o", "name", check=False, stdin=given).split()
        taken = {name: agents[name] for name in (each.rpartition("/")[2] for each in names)}
        assert taken, "the policy knows not every spelling; without it this looks at nothing of the operator's"
        until("the operator refuses the rest", lambda: refused(space, taken), 60)
        made = {each["metadata"]["name"] for each in space.get("deployments")}
        assert not made & {f"talkagent-{name}" for name in agents}
        tell(f"refused by the API server: {', '.join(agents[name] for name in agents if name not in taken)}")
        tell(f"refused by the operator: {', '.join(taken.values())}")
    finally:
        space.kubectl("delete", "talkagents", *agents, "--wait=false", "--ignore-not-found")


def refused(space: Namespace, agents: dict[str, str]) -> bool | None:
    """Whether each has the reason for which it is none."""
    reasons = {
        each["metadata"]["name"]: condition.get("reason")
        for each in space.get("talkagents")
        for condition in each.get("status", {}).get("conditions", [])
        if condition["type"] == "Ready"
    }
    return all(reasons.get(name) == "BaseURLRefused" for name in agents) or None


UNKNOWN: dict[str, Object] = {
    "hostNetwork": {"pod": {"hostNetwork": True}},
    "hostPID": {"pod": {"hostPID": True}},
    "privileged": {"pod": {"securityContext": {"privileged": True}}},
    "hostPath": {"pod": {"volumes": [{"name": "v", "hostPath": {"path": "/"}}]}},
    "serviceAccountToken": {
        "pod": {"volumes": [{"name": "v", "projected": {"sources": [{"serviceAccountToken": {}}]}}]}
    },
    "csi": {"pod": {"volumes": [{"name": "v", "csi": {"driver": "x"}}]}},
    "initContainers": {"pod": {"initContainers": [{"name": "x", "image": "x"}]}},
    "automountServiceAccountToken": {"pod": {"automountServiceAccountToken": True}},
    "hostPort": {"pod": {"ports": [{"hostPort": 80}]}},
    "command": {"command": ["sh"]},
}
TALKS_SECRET = "talk-internal-talk-identity"
OWN: dict[str, Object] = {
    "secret-volume": {"pod": {"volumes": [{"name": "v", "secret": {"secretName": TALKS_SECRET}}]}},
    "secret-env": {
        "pod": {"env": [{"name": "X", "valueFrom": {"secretKeyRef": {"name": TALKS_SECRET, "key": "identity.pem"}}}]}
    },
    "secret-key": {"model": {"name": "openai/x", "apiKeySecretRef": {"name": TALKS_SECRET, "key": "identity.pem"}}},
    "config-volume": {"pod": {"volumes": [{"name": "v", "configMap": {"name": "talkagent-assistant"}}]}},
    "claim": {
        "pod": {"volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "talk-internal-data-talk-redis-0"}}]}
    },
    "talk-env": {"pod": {"env": [{"name": "TALK_IDENTITY_PUBLIC_FILE", "value": "/dev/null"}]}},
    "label": {"pod": {"labels": {"app.kubernetes.io/component": "gateway"}}},
}


def test_no_spec_takes_the_host_privileges_or_what_is_talks_own(served: Served, tell: Tell) -> None:
    """The API server keeps none of these: with its checks, and for a client that turns them off."""
    asked = [talk_agent(name.lower(), "Be brief.", "http://x:1/v1", **spec) for name, spec in (UNKNOWN | OWN).items()]
    assert created(served.release, asked, "strict") == []
    kept = created(served.release, asked, "ignore")
    dropped = [name for name in UNKNOWN if name.lower() in {each["metadata"]["name"] for each in kept}]
    assert len(dropped) == len(kept) > 0
    text = json.dumps([each["spec"] for each in kept])
    assert [name for name in UNKNOWN if f'"{name}"' in text] == []
    tell(f"with validation refused: {', '.join((*UNKNOWN, *OWN))}")
    tell(f"without validation dropped: {', '.join(dropped)}; the others refused all the same")


def created(space: Namespace, agents: list[Object], validation: str) -> list[Any]:
    """What would be stored of them."""
    command = ["create", "--dry-run=server", f"--validate={validation}", "-f", "-", "-o", "json"]
    made = []
    for each in agents:
        text = space.kubectl(*command, check=False, stdin=json.dumps(each))
        made += [json.loads(text)] if text.strip() else []
    return made
