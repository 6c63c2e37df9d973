"""The files of tests/cases/talkagents as people apply them, server-side and not: the outcome that each asks for.

Those that are taken become agents of the shared release; their model is its own.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.e2e.cluster import ROOT, Namespace, is_ready, ready_agents, until
from tests.e2e.served import Served
from tests.e2e.workloads import talk_agent

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

CASES = ROOT / "tests/cases/talkagents"
MODEL = "http://talk-local.talk.svc:8090/v1"
MODES = {"server-side": ["--server-side", "--force-conflicts"], "client-side": []}
READY = {
    "T01": ["minimal"], "T02": ["full"], "T03": ["braces"], "T05": ["3d-helper"], "T11": ["first", "second"],
    "T12": ["crlf"], "T36": ["agent-tool-missing"], "T39": ["newline-key"], "T51": ["pod-harmless"],
}  # fmt: skip
NOT_READY = {"T38": ["missing-secret"]}
# Words of each complaint, in the API server's spelling or in that of the CRD's own rules.
REFUSED: dict[str, list[str]] = {
    "T08": ["viva_examiner", "RFC 1123"],
    "T15": ["instruction", "instructionFrom", "exactly one"],
    "T17": ["replicas", "autoscaling"],
    "T18": ["unknown field", "spec.voice.enable"],
    # The API server tells of fields that it does not know before it looks at types; `talk validate` tells all.
    "T19": ["spec.tools"],
    "T20": ["spec.voice.language", "boolean"],
    "T23": [
        "spec.replicas", "spec.drainSeconds", "spec.limits.runTimeout", "spec.limits.messageLength",
        "spec.limits.llmCalls", "spec.limits.concurrentTurns", "spec.session.ttl", "spec.session.recentTurns",
    ],
    "T27": ["yaml", "line"],
    "T29": ["unknown field", "mcp"],
    "T30": ["spec.tools", "two tools have one name"],
    "T34": ["agent-calls-itself"],
    "T44": ["unknown field", "podTemplate"],
    "T45": ["unknown field", "hostNetwork", "securityContext", "hostPath", "projected", "csi"],
}  # fmt: skip
# Server-side apply types a file before the server looks at it, and stops at the first thing of another type.
REFUSED_TYPED = {
    "T18": [".spec.voice.enable", "not declared in schema"],
    "T19": [".spec.", "expected"],
    "T20": [".spec.voice.language", "expected string"],
    "T29": [".spec.tools[0].mcp", "not declared in schema"],
    "T44": [".spec.podTemplate", "not declared in schema"],
    "T45": [".spec.pod.", "not declared in schema"],
}


def case(number: str) -> Path:
    (file,) = CASES.glob(f"{number}-*.yaml")
    return file


def test_every_case_has_its_outcome_here() -> None:
    assert sorted(file.name[:3] for file in CASES.iterdir()) == sorted([*READY, *NOT_READY, *REFUSED])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("number", REFUSED)
def test_a_wrong_file_is_refused_and_told_why(served: Served, number: str, mode: str) -> None:
    command = ["kubectl", "-n", served.release.name, "apply", *MODES[mode], "-f", str(case(number))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0, done.stdout
    words = REFUSED_TYPED.get(number, REFUSED[number]) if mode == "server-side" else REFUSED[number]
    assert all(word in done.stderr for word in words), done.stderr
    names = {each["metadata"]["name"] for each in served.release.get("talkagents")}
    assert case(number).stem[4:] not in names


def applied(space: Namespace, number: str, mode: str) -> str:
    """Applies a file whose model is the release's."""
    text = case(number).read_bytes().decode()
    here = text.replace(MODEL, f"http://talk-local.{space.name}.svc:8090/v1")
    return space.kubectl("apply", *MODES[mode], "-f", "-", stdin=here)


@pytest.fixture(scope="module")
def release(served: Served) -> Iterator[Namespace]:
    """The release with every file that is taken applied, half of them in each way."""
    taken = [*READY, *NOT_READY]
    for index, number in enumerate(taken):
        applied(served.release, number, ["server-side", "client-side"][index % 2])
    yield served.release
    names = [name for names in (*READY.values(), *NOT_READY.values()) for name in names]
    served.release.kubectl("delete", "talkagents", *names, "nobody", "--ignore-not-found")
    served.release.kubectl("delete", "secrets", "key-with-newline", "no-such-secret", "--ignore-not-found")


@pytest.fixture(scope="module")
def gateway(release: Namespace) -> Iterator[httpx.Client]:
    """The gateway's address."""
    with release.forwarded("svc/talk-gateway", 8080) as client:
        yield client


@pytest.mark.parametrize("number", READY)
def test_a_file_that_is_right_becomes_ready(release: Namespace, number: str) -> None:
    for name in READY[number]:
        release.kubectl("wait", "--for=condition=Ready", f"talkagent/{name}", "--timeout=240s")


@pytest.mark.parametrize("number", [*READY, *NOT_READY])
def test_applied_again_the_other_way_nothing_is_written(release: Namespace, number: str) -> None:
    names = [*READY, *NOT_READY]
    before = generations(release, number)
    applied(release, number, ["client-side", "server-side"][names.index(number) % 2])
    assert generations(release, number) == before


def generations(release: Namespace, number: str) -> dict[tuple[str, str], int]:
    """Of the TalkAgents and of their Deployments."""
    wanted = {**READY, **NOT_READY}[number]
    found = {}
    for name in wanted:
        for kind, called in (("talkagent", name), ("deployment", f"talkagent-{name}")):
            meta = until(called, lambda k=kind, c=called: metadata(release, k, c), 30)  # type: ignore[misc]
            found[kind, called] = meta["generation"]
    return found


def metadata(release: Namespace, kind: str, name: str) -> dict[str, Any] | None:
    """None while there is none."""
    text = release.kubectl("get", kind, name, "-o", "json", "--ignore-not-found")
    found: dict[str, Any] | None = json.loads(text)["metadata"] if text else None
    return found


@pytest.mark.parametrize("name", ["minimal", "braces", "3d-helper", "crlf", "newline-key"])
def test_it_answers(release: Namespace, gateway: httpx.Client, name: str) -> None:
    until(f"the gateway knows {name}", lambda: name in ready_agents(gateway) or None, 60)
    answer = gateway.post(f"/v1/agents/{name}/chat", json={"session_id": "s", "message": "Hello, how are you?"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["reply"].strip()


def instruction(release: Namespace, name: str) -> str:
    """As the agent's pod reads it."""
    text = release.get("configmap", f"talkagent-{name}")["data"]["agent.yaml"]
    return str(yaml.safe_load(text)["spec"]["instruction"])


def test_t03_braces_reach_the_pod_as_written(release: Namespace) -> None:
    words = ("{city}", "{{name}}", "${expression}", "{count}", '{"city": "{city}", "n": {count}}', "{app:x?}")
    assert all(word in instruction(release, "braces") for word in words)


def test_t12_line_ends_are_lf(release: Namespace) -> None:
    assert instruction(release, "crlf") == "Line one.\nLine two.\n"


def test_t02_has_an_autoscaler_a_budget_and_columns(release: Namespace) -> None:
    for kind in ("horizontalpodautoscaler", "poddisruptionbudget", "networkpolicy"):
        assert release.get(kind, "talkagent-full")
    head, row = release.kubectl("get", "talkagent", "full").splitlines()
    assert head.split() == ["NAME", "READY", "REPLICAS", "MODEL", "URL", "AGE"]
    assert row.split()[1] == "True"


def test_an_autoscaler_goes_when_the_replicas_are_said_again(release: Namespace) -> None:
    patch = '[{"op": "remove", "path": "/spec/autoscaling"}, {"op": "add", "path": "/spec/replicas", "value": 1}]'
    release.kubectl("patch", "talkagent", "full", "--type=json", f"-p={patch}")
    kinds = "horizontalpodautoscaler,poddisruptionbudget"
    label = "talk.dwani.ai/agent=full"
    until("both are gone", lambda: not release.get(kinds, selector=label) or None, 30)


def test_t36_the_missing_agent_is_named_and_heals(release: Namespace) -> None:
    found = release.condition("agent-tool-missing", "Degraded")
    assert (found["status"], found["reason"]) == ("True", "AgentNotFound")
    assert "nobody" in found["message"]
    release.apply(talk_agent("nobody", "Be brief.", f"http://talk-local.{release.name}.svc:8090/v1", suspend=True))
    until(
        "it is not degraded",
        lambda: release.condition("agent-tool-missing", "Degraded")["status"] == "False" or None,
        30,
    )


def test_t38_the_missing_secret_is_named_and_heals_without_a_restart(release: Namespace) -> None:
    assert until("the condition names it", lambda: named(release), 60)["status"] == "False"
    secret = ["create", "secret", "generic", "no-such-secret", "--from-literal=apiKey=sk-test"]
    release.kubectl(*secret)
    release.look_at_volumes("talk.dwani.ai/agent=missing-secret")
    release.kubectl("wait", "--for=condition=Ready", "talkagent/missing-secret", "--timeout=120s")
    (pod,) = release.get("pods", selector="talk.dwani.ai/agent=missing-secret")
    assert is_ready(pod)
    assert pod["status"]["containerStatuses"][0]["restartCount"] == 0


def named(release: Namespace) -> dict[str, str] | None:
    """The condition, once it has the names of Secret and key."""
    found = release.condition("missing-secret", "Ready")
    return found if all(word in found.get("message", "") for word in ("no-such-secret", "apiKey")) else None


def test_t39_the_key_is_in_no_log(release: Namespace, gateway: httpx.Client) -> None:
    for selector in ("talk.dwani.ai/agent=newline-key", "app.kubernetes.io/instance=talk"):
        assert "sk-test-1234567890" not in release.kubectl("logs", "-l", selector, "--tail=-1")


def test_t51_the_wishes_arrive_and_what_talk_sets_stays(release: Namespace) -> None:
    template = release.get("deployment", "talkagent-pod-harmless")["spec"]["template"]
    spec, container = template["spec"], template["spec"]["containers"][0]
    assert template["metadata"]["annotations"]["example.com/port"] == "8081"
    assert spec["nodeSelector"] == {"kubernetes.io/os": "linux"}
    assert {"key": "gpu", "operator": "Exists"} in spec["tolerations"]
    assert {"name": "HTTPS_PROXY", "value": "http://proxy.example.com:3128"} in container["env"]
    assert {"name": "cache", "emptyDir": {"sizeLimit": "64Mi"}} in spec["volumes"]
    assert container["readinessProbe"]["httpGet"]["path"] == "/ready"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_claim_of_redis_is_nobodys_to_mount(served: Served) -> None:
    volume = {"name": "stolen", "persistentVolumeClaim": {"claimName": "talk-internal-data-talk-redis-0"}}
    thief = talk_agent("thief", "Be brief.", MODEL, pod={"volumes": [volume]})
    command = ["kubectl", "-n", served.release.name, "apply", "-f", "-"]
    done = subprocess.run(command, input=json.dumps(thief), capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "Talk's own" in done.stderr
