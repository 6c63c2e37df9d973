"""What is wrong with an agent stands in its conditions: a reason, and a sentence that names what to look at."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e import fake_model
from tests.e2e.cluster import Namespace, run, talk_image, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
# Seconds from when the API, or a pod's /ready, shows it.
TOLD = 10.0
NO_IMAGE = ("ErrImagePull", "ImagePullBackOff")
Object = dict[str, Any]


@dataclass(frozen=True)
class Broken:
    """An agent that cannot work as it is, how the cluster shows it, and what its conditions then say."""

    spec: Object
    reason: str
    names: tuple[str, ...]
    shows: Callable[[list[Object]], bool]
    condition: str = "Ready"


def waiting(*reasons: str) -> Callable[[list[Object]], bool]:
    """A container waits for one of these reasons."""
    return lambda pods: any(
        each.get("state", {}).get("waiting", {}).get("reason") in reasons
        for pod in pods
        for each in pod["status"].get("containerStatuses", [])
    )


def ended(pods: list[Object]) -> bool:
    """A container has ended."""
    return any(
        "terminated" in each.get(state, {})
        for pod in pods
        for each in pod["status"].get("containerStatuses", [])
        for state in ("state", "lastState")
    )


def unschedulable(pods: list[Object]) -> bool:
    """No node takes a pod."""
    return any(each.get("reason") == "Unschedulable" for pod in pods for each in pod["status"].get("conditions", []))


def says(pods: list[Object]) -> bool:
    """A pod's `/ready` names what fails."""
    return any(_failing_checks(pod) for pod in pods)


BROKEN = {
    "no-secret": Broken(
        {"model": {"name": "openai/x", "apiKeySecretRef": {"name": "nowhere", "key": "apiKey"}}},
        "MissingReference", ("nowhere", "apiKey"), says,
    ),
    "no-key": Broken(
        {"model": {"name": "openai/x", "apiKeySecretRef": {"name": "half", "key": "apiKey"}}},
        "MissingReference", ("half", "apiKey"), says,
    ),
    "no-tool": Broken(
        {"tools": [{"agent": {"name": "nobody"}}]}, "AgentNotFound", ("nobody",), lambda _: True, "Degraded"
    ),
    "foreign-image": Broken(
        {"image": "ghcr.io/dwani-ai.evil/agent:1"}, "ImageRefused",
        ("spec.image ghcr.io/dwani-ai.evil/agent:1", "authors.images"), lambda _: True,
    ),
    "foreign-account": Broken(
        {"pod": {"serviceAccountName": "default"}}, "ServiceAccountRefused",
        ("spec.pod.serviceAccountName default", "authors.serviceAccountNames"), lambda _: True,
    ),
    "no-image": Broken(
        {"image": "registry.invalid/no/such:1"},
        "ImagePullFailed", ("registry.invalid/no/such:1", "talkagent-no-image-"), waiting(*NO_IMAGE),
    ),
    "crash": Broken(
        # It lacks its configuration here, and ends.
        {"image": talk_image("operator")}, "CrashLooping", ("talkagent-crash-", "exit code 2"), ended,
    ),
    "no-model": Broken(
        {"model": {"name": "openai/x", "baseURL": "http://no-model:9/v1"}}, "ModelUnreachable",
        ("talkagent-no-model-", "model provider"), says,
    ),
    "no-node": Broken(
        {"pod": {"nodeSelector": {"no-such": "label"}}}, "Unschedulable", ("talkagent-no-node-", "node"), unschedulable,
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace) -> Namespace:
    model = fake_model.deploy(shared_namespace)
    shared_namespace.install(
        "talk",
        *model,
        "--set",
        "crds.install=false",
        "--set",
        "gateway.replicas=1",
        "--set",
        "redis.enabled=false",
        "--set",
        "authors.images={registry.invalid,ghcr.io/dwani-ai}",
    )
    shared_namespace.kubectl("create", "secret", "generic", "half", "--from-literal=other=x")
    return shared_namespace


@dataclass
class Watched:
    """When the cluster showed it, and when the conditions said it."""

    shown: dict[str, float] = field(default_factory=dict)
    told: dict[str, float] = field(default_factory=dict)
    message: dict[str, str] = field(default_factory=dict)

    def ask(self, talk: Namespace, name: str) -> None:
        """Asks the pod of an agent what it lacks until it says so. To ask takes long enough to need its own thread."""
        until(f"{name} says", lambda: says(_pods(talk, name)) or None, 120)
        self.shown[name] = time.monotonic()

    def look(self, talk: Namespace) -> bool | None:
        """True when all is told."""
        items = json.loads(talk.kubectl("get", "pods,talkagents", "-o", "json"))["items"]
        now = time.monotonic()
        for name, broken in BROKEN.items():
            pods = [each for each in items if each["kind"] == "Pod" and _agent_of(each) == name]
            agent = next(each for each in items if each["kind"] == "TalkAgent" and each["metadata"]["name"] == name)
            found = _condition(agent, broken.condition)
            if name not in self.told and found.get("reason") == broken.reason:
                self.told[name], self.message[name] = now, found["message"]
            if name not in self.shown and broken.shows is not says and broken.shows(pods):
                self.shown[name] = now
        return len(self.told) == len(BROKEN) or None


def test_each_broken_agent_says_what_to_look_at(talk: Namespace) -> None:
    agents = [_agent(name, broken.spec) for name, broken in BROKEN.items()]
    watched = Watched()
    talk.kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": agents}))
    asked = [name for name, broken in BROKEN.items() if broken.shows is says]
    try:
        with ThreadPoolExecutor(len(asked)) as threads:
            asking = [threads.submit(watched.ask, talk, name) for name in asked]
            until("every agent says what it lacks", lambda: watched.look(talk), 120)
            for each in asking:
                each.result()
    finally:
        print(talk.kubectl("get", "talkagents", "-o", "wide"), f"missing: {BROKEN.keys() - watched.told.keys()}")
    for name, broken in BROKEN.items():
        # An image that is pulled again between two looks is no failed one in either.
        late = watched.told[name] - watched.shown.get(name, watched.told[name])
        print(f"{name}: {broken.reason} {late:+.1f} s: {watched.message[name]}")
        assert late <= TOLD, name
        for word in broken.names:
            assert word in watched.message[name], name
    events = talk.get("events")
    for name, broken in BROKEN.items():
        told = [each for each in events if each["involvedObject"].get("name") == name and each["type"] == "Warning"]
        assert broken.reason in [each["reason"] for each in told], name


def test_what_was_missing_is_taken_without_a_restart(talk: Namespace) -> None:
    pod = talk.get("pods", selector="talk.dwani.ai/agent=no-secret")[0]["metadata"]["uid"]
    talk.kubectl("create", "secret", "generic", "nowhere", "--from-literal=apiKey=x")
    talk.kubectl("wait", "--for=condition=Ready", "talkagent/no-secret", "--timeout=120s")
    after = talk.get("pods", selector="talk.dwani.ai/agent=no-secret")
    assert [each["metadata"]["uid"] for each in after] == [pod]


def test_a_suspended_agent_has_no_pods_and_comes_back(talk: Namespace) -> None:
    talk.kubectl("wait", "--for=condition=Ready", "talkagent/assistant", "--timeout=60s")
    talk.kubectl("patch", "talkagent", "assistant", "--type=merge", "-p", '{"spec": {"suspend": true}}')
    until("it is suspended", lambda: _reason(talk, "assistant") == "Suspended" or None, 10)
    until("its pods are gone", lambda: not _pods(talk, "assistant") or None, 60)
    talk.kubectl("patch", "talkagent", "assistant", "--type=merge", "-p", '{"spec": {"suspend": false}}')
    talk.kubectl("wait", "--for=condition=Ready", "talkagent/assistant", "--timeout=60s")


def test_a_deleted_agent_leaves_nothing(talk: Namespace) -> None:
    assert _objects(talk, "no-model")
    talk.kubectl("delete", "talkagent", "no-model", "--timeout=10s")
    until("its objects are gone", lambda: not _objects(talk, "no-model") or None, 60)


def test_without_the_operator_agents_and_their_namespace_go_as_well(talk: Namespace) -> None:
    """The last one here: it takes the namespace away."""
    talk.kubectl("scale", "deployment", "talk-operator", "--replicas=0")
    talk.kubectl("wait", "--for=delete", "pod", "-l", "app.kubernetes.io/component=operator", "--timeout=60s")
    talk.kubectl("delete", "talkagent", "crash", "--timeout=10s")
    until("its objects are gone", lambda: not _objects(talk, "crash") or None, 60)
    run("kubectl", "delete", "namespace", talk.name, "--timeout=120s")


def _agent(name: str, spec: Object) -> Object:
    head = {"apiVersion": "talk.dwani.ai/v1alpha1", "kind": "TalkAgent"}
    return {**head, "metadata": {"name": name}, "spec": {"instruction": "Be brief.", **spec}}


def _agent_of(pod: Object) -> str:
    return str(pod["metadata"].get("labels", {}).get("talk.dwani.ai/agent", ""))


def _condition(agent: Object, kind: str) -> Object:
    found = (each for each in agent.get("status", {}).get("conditions", []) if each["type"] == kind)
    return next(found, {})


def _reason(talk: Namespace, name: str) -> str:
    return str(_condition(talk.get("talkagent", name), "Ready").get("reason"))


def _pods(talk: Namespace, name: str) -> list[Object]:
    found: list[Object] = talk.get("pods", selector=f"talk.dwani.ai/agent={name}")
    return found


def _objects(talk: Namespace, name: str) -> list[str]:
    kinds = "all,configmap,serviceaccount,networkpolicy,pdb,hpa,endpointslice"
    return talk.kubectl("get", kinds, "-l", f"talk.dwani.ai/agent={name}", "-o", "name").split()


ASK = """
import json, urllib.request, urllib.error
try:
    print(urllib.request.urlopen("http://127.0.0.1:8081/ready", timeout=2).read().decode())
except urllib.error.HTTPError as error:
    print(error.read().decode())
"""


def _failing_checks(pod: Object) -> list[str]:
    """What a pod that runs says it lacks, asked from within."""
    if not any(each.get("started") for each in pod["status"].get("containerStatuses", [])):
        return []
    meta = pod["metadata"]
    said = run("kubectl", "-n", meta["namespace"], "exec", meta["name"], "--", "python", "-c", ASK, check=False)
    checks = json.loads(said)["checks"] if said else []
    waits = ("started", "draining")
    return [
        each["name"] for each in checks if not each["ok"] and each["name"] not in waits and "yet" not in each["message"]
    ]
