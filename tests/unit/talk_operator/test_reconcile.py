"""A TalkAgent and its objects over time, against an API server in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from talk_operator.api import ApiFailed
from talk_operator.config import Config, parse_config
from talk_operator.kinds import AGENT_LABEL
from talk_operator.readiness import Readiness
from talk_operator.reconcile import Reconciler
from talk_operator.store import Key, Store
from tests.fakes.cluster import FakeCluster

KEY = Key("talk", "minimal")
AGENT = """
apiVersion: talk.dwani.ai/v1alpha1
kind: TalkAgent
metadata: {name: minimal}
spec:
  instruction: Answer.
  model: {name: openai/demo, baseURL: "http://talk-local.talk.svc:8090/v1"}
"""
NAME = "talkagent-minimal"
CHILDREN = {"ServiceAccount", "ConfigMap", "NetworkPolicy", "Service", "Deployment"}


def config(**fields: Any) -> Config:
    return parse_config({"image": "talk-agent:1", "gatewayURL": "http://talk-gateway.talk.svc:8080", **fields})


class World:
    """A cluster, what is known of it, and the reconciler between the two."""

    def __init__(self, config: Config) -> None:
        self.cluster = FakeCluster()
        self.store = Store()
        self.api = self.cluster.api()
        self.ready_body: dict[str, Any] = {"ready": False, "checks": []}
        transport = httpx.MockTransport(lambda _: httpx.Response(503, json=self.ready_body))
        self.readiness = Readiness(transport)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.restart(config)

    def restart(self, config: Config) -> None:
        """A new process: it knows what the cluster has and nothing else."""
        self.store = Store()
        self.reconciler = Reconciler(
            self.api, self.store, config, self.readiness, now=lambda: self.now, jitter=lambda: 0.5
        )

    async def settle(self, key: Key = KEY) -> float | None:
        """Reconciles until nothing is written any more."""
        for _ in range(5):
            self.cluster.sync(self.store)
            before = len(self.cluster.writes)
            delay = await self.reconciler.reconcile(key)
            if len(self.cluster.writes) == before:
                return delay
        raise AssertionError("it does not come to rest")

    def deployment(self) -> dict[str, Any]:
        return self.cluster.get("Deployment", NAME)

    def pods_are_ready(self) -> None:
        """What the Deployment's controller and the kubelet do."""
        deployment = self.deployment()
        count = deployment["spec"]["replicas"]
        deployment["status"] = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": count,
            "updatedReplicas": count,
            "readyReplicas": count,
        }
        self.cluster.put(deployment)

    def pod(self, **status: Any) -> None:
        """One pod of the agent, not ready."""
        meta = {"name": f"{NAME}-x", "namespace": "talk", "labels": {AGENT_LABEL: "minimal"}}
        self.cluster.put({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "status": status})

    def condition(self, kind: str, name: str = "minimal") -> tuple[str, str, str]:
        conditions = self.cluster.get("TalkAgent", name)["status"]["conditions"]
        found = next(each for each in conditions if each["type"] == kind)
        return found["status"], found["reason"], found["message"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World(config())
    yield made
    await made.api.close()
    await made.readiness.close()


async def test_an_agent_gets_its_objects_and_a_status(world: World) -> None:
    world.cluster.apply_file(AGENT)
    await world.settle()
    assert world.cluster.kinds() == CHILDREN | {"TalkAgent"}
    assert world.condition("Ready")[:2] == ("False", "Starting")
    world.pods_are_ready()
    await world.settle()
    status = world.cluster.get("TalkAgent", "minimal")["status"]
    assert world.condition("Ready") == ("True", "Serving", "1 of 1 pods take turns.")
    assert (status["readyReplicas"], status["model"], status["observedGeneration"]) == (1, "openai/demo", 1)
    assert status["url"] == "http://talk-gateway.talk.svc:8080/v1/agents/minimal/chat"
    assert status["selector"] == "talk.dwani.ai/agent=minimal"


async def test_nothing_is_written_when_nothing_changed_nor_after_a_restart(world: World) -> None:
    world.cluster.apply_file(AGENT)
    await world.settle()
    world.pods_are_ready()
    await world.settle()
    before = len(world.cluster.requests)
    world.restart(config())
    await world.settle()
    assert world.cluster.requests[before:] == []


async def test_a_changed_spec_changes_the_template_and_the_time_of_ready_stays(world: World) -> None:
    world.cluster.apply_file(AGENT)
    await world.settle()
    world.pods_are_ready()
    await world.settle()
    template = world.deployment()["spec"]["template"]["metadata"]["annotations"]
    world.now = datetime(2026, 1, 2, tzinfo=UTC)
    world.cluster.apply_file(AGENT.replace("Answer.", "Answer well."))
    await world.settle()
    assert world.deployment()["spec"]["template"]["metadata"]["annotations"] != template
    assert world.condition("Progressing")[:2] == ("True", "RollingOut")
    ready = world.cluster.get("TalkAgent", "minimal")["status"]["conditions"][0]
    assert ready["lastTransitionTime"] == "2026-01-01T00:00:00Z"
    assert ready["observedGeneration"] == 2


async def test_what_somebody_changes_in_an_object_is_put_right(world: World) -> None:
    world.cluster.apply_file(AGENT)
    await world.settle()
    changed = world.deployment()
    changed["spec"]["template"]["spec"]["automountServiceAccountToken"] = True
    world.cluster.put(changed)
    world.cluster.remove("Service", "talk", NAME)
    await world.settle()
    assert world.deployment()["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert world.cluster.get("Service", NAME)


async def test_what_others_add_stays_and_is_no_difference(world: World) -> None:
    world.cluster.apply_file(AGENT)
    await world.settle()
    changed = world.deployment()
    changed["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "1"
    changed["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = "now"
    world.cluster.put(changed)
    before = len(world.cluster.writes)
    await world.settle()
    assert len(world.cluster.writes) == before


async def test_a_difference_that_the_server_does_not_keep_is_written_once(world: World) -> None:
    world.cluster.apply_file(AGENT)
    await world.settle()
    service = world.cluster.get("Service", NAME)
    service["spec"]["clusterIP"] = "10.0.0.1"
    world.cluster.put(service)
    world.cluster.sync(world.store)
    await world.reconciler.reconcile(KEY)
    made = world.cluster.get("Service", NAME)
    made["spec"]["clusterIP"] = "10.0.0.1"  # a webhook's doing, in the same version
    world.store.drop(made)
    world.store.put(made)
    before = len(world.cluster.writes)
    await world.reconciler.reconcile(KEY)
    assert len(world.cluster.writes) == before


async def test_more_replicas_bring_a_disruption_budget_and_fewer_take_it_away(world: World) -> None:
    world.cluster.apply_file(AGENT + "  replicas: 3\n")
    await world.settle()
    assert "PodDisruptionBudget" in world.cluster.kinds()
    world.cluster.apply_file(AGENT + "  replicas: 1\n")
    await world.settle()
    assert "PodDisruptionBudget" not in world.cluster.kinds()


async def test_going_to_autoscaling_keeps_the_replicas_and_leaves_them_alone_from_then_on(world: World) -> None:
    world.cluster.apply_file(AGENT + "  replicas: 4\n")
    await world.settle()
    world.cluster.apply_file(AGENT + "  autoscaling: {minReplicas: 2, maxReplicas: 9}\n")
    await world.settle()
    assert world.deployment()["spec"]["replicas"] == 4
    scaled = world.deployment()
    scaled["spec"]["replicas"] = 7
    world.cluster.put(scaled)
    world.cluster.apply_file(
        AGENT.replace("Answer.", "Answer now.") + "  autoscaling: {minReplicas: 2, maxReplicas: 9}\n"
    )
    await world.settle()
    assert world.deployment()["spec"]["replicas"] == 7
    world.cluster.apply_file(AGENT + "  replicas: 2\n")
    await world.settle()
    assert world.deployment()["spec"]["replicas"] == 2
    assert "HorizontalPodAutoscaler" not in world.cluster.kinds()


async def test_an_agent_that_was_suspended_comes_back_under_its_autoscaler(world: World) -> None:
    scaling = AGENT + "  autoscaling: {minReplicas: 2, maxReplicas: 9}\n"
    world.cluster.apply_file(scaling + "  suspend: true\n")
    await world.settle()
    assert world.deployment()["spec"]["replicas"] == 0
    assert world.cluster.kinds() == CHILDREN | {"TalkAgent"}
    assert world.condition("Ready")[:2] == ("False", "Suspended")
    assert world.condition("Degraded")[:2] == ("False", "AsExpected")
    world.cluster.apply_file(scaling)
    await world.settle()
    assert world.deployment()["spec"]["replicas"] == 1  # the autoscaler raises it to its least


async def test_a_missing_secret_is_told_by_name_from_what_the_pod_says(world: World) -> None:
    world.cluster.apply_file(AGENT)
    await world.settle()
    running = {"name": "agent", "started": True, "state": {"running": {}}, "lastState": {}}
    world.pod(phase="Running", podIP="10.0.0.9", containerStatuses=[running])
    world.ready_body["checks"] = [
        {"name": "references", "ok": False, "message": "Secret keys, key openai: not found"},
        {"name": "model", "ok": False, "message": "not checked yet"},
    ]
    assert await world.settle() == 5.0
    said = f"Pod {NAME}-x: references: Secret keys, key openai: not found"
    assert world.condition("Ready") == ("False", "MissingReference", said)
    assert world.condition("Degraded") == ("True", "MissingReference", said)
    assert ("Warning", "MissingReference") in world.cluster.events()


async def test_a_tool_that_is_not_there_is_told_and_heals_by_itself(world: World) -> None:
    world.cluster.apply_file(AGENT + "  tools: [{agent: {name: nobody}}]\n")
    await world.settle()
    world.pods_are_ready()
    await world.settle()
    assert world.condition("Ready")[0] == "True"
    assert world.condition("Degraded")[:2] == ("True", "AgentNotFound")
    assert "nobody" in world.condition("Degraded")[2]
    world.cluster.apply_file(AGENT.replace("minimal", "nobody"))
    world.cluster.sync(world.store)
    assert world.store.callers(Key("talk", "nobody")) == {KEY}
    await world.settle()
    assert world.condition("Degraded")[:2] == ("False", "AsExpected")


async def test_no_model_at_all_is_told_and_makes_no_pod(world: World) -> None:
    world.cluster.apply_file(AGENT.split("  model:")[0])
    await world.settle()
    assert world.condition("Ready")[:2] == ("False", "ModelMissing")
    assert "Deployment" not in world.cluster.kinds()


@pytest.mark.parametrize(
    "part",
    [
        "  pod: {env: [{name: X, valueFrom: {secretKeyRef: {name: shared-redis, key: password}}}]}\n",
        "  pod: {volumes: [{name: x, secret: {secretName: talk-internal-redis}}]}\n",
        "  pod: {imagePullSecrets: [{name: shared-redis}]}\n",
        "  pod: {volumes: [{name: x, persistentVolumeClaim: {claimName: redis-data}}]}\n",
    ],
)
async def test_talks_own_secrets_and_claims_cannot_be_had(part: str) -> None:
    world = World(config(reserved={"secrets": ["shared-redis"], "claims": ["redis-data"]}))
    world.cluster.apply_file(AGENT + part)
    await world.settle()
    assert world.condition("Ready")[:2] == ("False", "ReservedName")
    assert world.cluster.kinds() == {"TalkAgent"}
    await world.api.close()
    await world.readiness.close()


async def test_the_charts_defaults_may_name_what_is_talks_own() -> None:
    """The key that agents share with speech, and the authority of an external Redis."""
    defaults = {
        "model": {"name": "openai/m", "apiKeySecretRef": {"name": "openai", "key": "apiKey"}},
        "pod": {"volumes": [{"name": "talk-redis-ca", "secret": {"secretName": "redis-ca"}}]},
    }
    world = World(config(reserved={"secrets": ["openai", "redis-ca"]}, agentDefaults=defaults))
    world.cluster.apply_file(AGENT.rpartition("  model:")[0])
    await world.settle()
    assert "Deployment" in world.cluster.kinds()
    await world.api.close()
    await world.readiness.close()


async def test_an_object_of_somebody_else_is_not_taken_over(world: World) -> None:
    foreign = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME, "namespace": "talk"}}
    world.cluster.put({**foreign, "spec": {"clusterIP": "10.0.0.7"}})
    world.cluster.apply_file(AGENT)
    world.cluster.sync(world.store)
    await world.reconciler.reconcile(KEY)
    assert world.condition("Ready")[:2] == ("False", "NameTaken")
    assert world.cluster.get("Service", NAME)["spec"] == {"clusterIP": "10.0.0.7"}


async def test_what_the_server_refuses_is_told_with_its_words(world: World) -> None:
    world.cluster.refusals["Deployment"] = (403, "exceeded quota: pods")
    world.cluster.apply_file(AGENT)
    world.cluster.sync(world.store)
    assert await world.reconciler.reconcile(KEY) == 30.0
    status, reason, message = world.condition("Ready")
    assert (status, reason) == ("False", "Refused")
    assert "exceeded quota" in message


async def test_a_server_that_fails_is_tried_again(world: World) -> None:
    world.cluster.refusals["Deployment"] = (500, "etcd is away")
    world.cluster.apply_file(AGENT)
    world.cluster.sync(world.store)
    with pytest.raises(ApiFailed):
        await world.reconciler.reconcile(KEY)
    del world.cluster.refusals["Deployment"]
    await world.settle()
    assert "Deployment" in world.cluster.kinds()


@pytest.mark.parametrize("kind", sorted(CHILDREN - {"Deployment"}))
async def test_no_pod_is_made_while_what_it_needs_is_not_there(world: World, kind: str) -> None:
    world.cluster.refusals[kind] = (500, "etcd is away")
    world.cluster.apply_file(AGENT)
    world.cluster.sync(world.store)
    with pytest.raises(ApiFailed):
        await world.reconciler.reconcile(KEY)
    assert CHILDREN - {kind, "Deployment"} <= set(world.cluster.kinds())
    assert "Deployment" not in world.cluster.kinds()
    world.cluster.refusals.clear()
    await world.settle()
    assert set(world.cluster.kinds()) >= CHILDREN


async def test_a_deleted_agent_takes_its_objects_along_without_the_operator(world: World) -> None:
    world.cluster.apply_file(AGENT)
    await world.settle()
    world.cluster.remove("TalkAgent", "talk", "minimal")
    world.cluster.collect_garbage()
    assert world.cluster.kinds() == set()
    await world.settle()
    assert world.cluster.kinds() == set()


async def test_an_agent_on_its_way_out_is_left_alone(world: World) -> None:
    agent = world.cluster.apply_file(AGENT)
    agent["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    world.cluster.put(agent)
    await world.settle()
    assert world.cluster.writes == []


async def test_an_agent_made_anew_waits_for_the_old_objects_to_go(world: World) -> None:
    world.cluster.apply_file(AGENT)
    await world.settle()
    world.cluster.remove("TalkAgent", "talk", "minimal")
    world.cluster.apply_file(AGENT)
    assert await world.settle() == 5.0
    assert world.condition("Ready")[:2] == ("False", "Replacing")
    assert world.condition("Degraded")[0] == "False"
    world.cluster.collect_garbage()
    await world.settle()
    assert world.condition("Ready")[:2] == ("False", "Starting")


async def test_no_request_is_about_a_secret_and_each_verb_is_one_of_the_readmes(world: World) -> None:
    for part in ("  replicas: 3\n", "  autoscaling: {maxReplicas: 3}\n", "  replicas: 0\n"):
        world.cluster.apply_file(AGENT + part)
        await world.settle()
    used = set(world.cluster.requests)
    written = CHILDREN | {"PodDisruptionBudget", "HorizontalPodAutoscaler"}
    plural = {"NetworkPolicy": "networkpolicies"}
    assert used <= {
        *(("patch", plural.get(kind, f"{kind.lower()}s")) for kind in written),
        ("delete", "poddisruptionbudgets"),
        ("delete", "horizontalpodautoscalers"),
        ("patch", "talkagents/status"),
        ("create", "events"),
    }


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://169.254.169.254/v1", "BaseURLRefused"),
        ("https://10.96.0.1/v1", "BaseURLRefused"),
        ("http://10.1.2.3:8000/v1", "BaseURLRefused"),
    ],
)
async def test_a_base_url_that_no_author_may_use_makes_no_pod_and_is_told(url: str, reason: str) -> None:
    world = World(config().never("10.96.0.1"))
    model = f"  model: {{name: openai/x, fallbacks: [{{name: openai/y, baseURL: '{url}'}}]}}\n"
    world.cluster.apply_file(AGENT.replace("  model: {name: openai/demo}\n", "") + model)
    await world.settle()
    status, found, message = world.condition("Ready")
    assert (status, found) == ("False", reason)
    assert f"spec.model.fallbacks[0].baseURL {url}" in message
    assert world.cluster.kinds() == {"TalkAgent"}
    await world.api.close()
    await world.readiness.close()


@pytest.mark.parametrize(
    ("asked", "reason", "words"),
    [
        ("  image: ghcr.io/dwani-ai.evil/agent:1\n", "ImageRefused", "spec.image ghcr.io/dwani-ai.evil/agent:1: "),
        ("  pod: {serviceAccountName: ops}\n", "ServiceAccountRefused", "spec.pod.serviceAccountName ops: "),
    ],
)
async def test_what_the_platform_does_not_allow_makes_no_pod_and_is_told(asked: str, reason: str, words: str) -> None:
    world = World(config(authors={"images": ["ghcr.io/dwani-ai"], "neverServiceAccountNames": ["ops"]}))
    world.cluster.apply_file(AGENT + asked)
    await world.settle()
    status, found, message = world.condition("Ready")
    assert (status, found) == ("False", reason)
    assert message.startswith(words)
    assert "Ask whoever runs Talk here to add it to authors." in message
    assert world.cluster.kinds() == {"TalkAgent"}
    world.restart(config(authors={"images": ["*"], "serviceAccountNames": ["*"]}))
    await world.settle()
    assert "Deployment" in world.cluster.kinds()
    await world.api.close()
    await world.readiness.close()
