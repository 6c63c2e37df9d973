"""A real Prometheus takes what the chart gives it: every panel shows something, and alerts fire for real faults."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.cluster import EVIDENCE, Namespace, built_images, offline, ready_agents, until
from tests.e2e.prometheus import Prometheus, place, prometheus
from tests.monitoring.alerts import FILES as RULES
from tests.monitoring.alerts import rules
from tests.monitoring.test_dashboards import FILES, panels

pytestmark = [pytest.mark.cluster, pytest.mark.prometheus, pytest.mark.timeout(900)]

LOAD_SECONDS = 120.0
# Panels that are empty while all is well. Their faults: an agent without its model, and requests that are none.
OF_A_FAULT = {
    "Agents that need somebody",
    "Answers of the agents that are no success",
    "Answers of the gateway that are no success",
    "Answers of the offline services that are no success",
}
FIRE = {"TalkModelUnreachable", "TalkAgentNotReady", "TalkTurnSuccessBudgetBurn"}
PATIENT = "patient"
MODELS = ("model", "model-of-the-patient")
FAKES = Path(__file__).resolve().parents[1] / "fakes"
PORT = 18080


def values(namespace: str) -> dict[str, Any]:
    """Real speech, and models that do as they are told. `clerk` calls `assistant`; `patient` will lose its model."""
    model, of_patient = (f"http://{name}.{namespace}.svc:{PORT}/v1" for name in MODELS)
    speech = f"http://talk-local.{namespace}.svc:8090/v1"
    fallback = {"name": "openai/second", "baseURL": model}
    agent = {"instruction": "Answer shortly.", "description": "For a test."}
    return {
        "local": {"parts": ["asr", "tts"]},
        "redis": {"persistence": {"enabled": False}},
        "agentDefaults": {"model": {"name": "openai/first", "baseURL": model}},
        "agents": {
            "clerk": {
                **agent,
                "tools": [{"agent": {"name": "assistant"}}],
                "model": {"name": "openai/first", "baseURL": model, "fallbacks": [fallback]},
            },
            PATIENT: {**agent, "model": {"name": "openai/first", "baseURL": of_patient}},
        },
        "gateway": {
            "autoscaling": {"enabled": True, "minReplicas": 1, "maxReplicas": 1},
            # Another provider to fall back to, so that its counters are there.
            "extraEnv": [
                {"name": "TALK_SPEECH_PROVIDERS", "value": json.dumps([{"name": "other", "baseURL": speech}])},
                {"name": "TALK_TTS_FALLBACKS", "value": "other"},
            ],
        },
        "monitoring": {part: {"enabled": True} for part in ("podMonitors", "rules", "dashboards")},
        "networkPolicy": {
            "metricsFrom": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": place()[0]}}}]
        },
    }


def model_objects(image: str) -> dict[str, Any]:
    """The models: a Deployment and a Service each, of the fakes as they are in tests/."""
    files = {f"{name}.py": (FAKES / f"{name}.py").read_text() for name in ("llm", "llm_pod")}
    items: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "fakes"}, "data": files}
    ]
    for name in MODELS:
        container = {
            "name": "model", "image": image, "imagePullPolicy": "IfNotPresent", "workingDir": "/fakes",
            "command": ["python", "-m", "tests.fakes.llm_pod", str(PORT)],
            "volumeMounts": [{"name": "fakes", "mountPath": "/fakes/tests/fakes"}],
            "readinessProbe": {"httpGet": {"path": "/v1/models", "port": PORT}, "periodSeconds": 1},
            "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        }  # fmt: skip
        pod = {
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [container],
            "volumes": [{"name": "fakes", "configMap": {"name": "fakes"}}],
        }  # fmt: skip
        labels = {"fake": name}
        template = {"metadata": {"labels": labels}, "spec": pod}
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        items += [
            {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec},
            {
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name},
                "spec": {"selector": labels, "ports": [{"port": PORT}]},
            },
        ]  # fmt: skip
    return {"apiVersion": "v1", "kind": "List", "items": items}


def agent_image(namespace: Namespace) -> str:
    """The agents' image, as the chart names it."""
    rendered = namespace.helm("template", "talk", str(FAKES.parents[1] / "charts/talk"), *built_images())
    (line,) = [line for line in rendered.splitlines() if line.strip().startswith("image: ") and "talk-agent" in line]
    return line.split('"')[1]


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace, tmp_path_factory: pytest.TempPathFactory) -> Namespace:
    """A release with everything for Prometheus, and its models."""
    objects = model_objects(agent_image(shared_namespace))
    shared_namespace.kubectl("apply", "-f", "-", stdin=json.dumps(objects))
    file = tmp_path_factory.mktemp("values") / "values.json"
    file.write_text(json.dumps(values(shared_namespace.name)))
    shared_namespace.install("talk", *offline(), "-f", str(file))
    # The budgets of 30 days are worked out every 5 minutes; a test cannot wait for that.
    groups = shared_namespace.get("prometheusrule", "talk-slo")["spec"]["groups"]
    at = next(number for number, group in enumerate(groups) if group["name"] == "talk-slo-budgets")
    sooner = json.dumps([{"op": "replace", "path": f"/spec/groups/{at}/interval", "value": "15s"}])
    shared_namespace.kubectl("patch", "prometheusrule", "talk-slo", "--type=json", "-p", sooner)
    return shared_namespace


@pytest.fixture(scope="module")
def watching(talk: Namespace) -> Iterator[Prometheus]:
    with prometheus(talk) as found:
        yield found


@dataclass(frozen=True)
class Load:
    """When the patient's model went, and how many turns of each kind were answered 200 by the end of the load."""

    fault: float
    turns: dict[str, int]


@pytest.fixture(scope="module")
def load(talk: Namespace, watching: Prometheus) -> Load:
    """Two minutes of text and voice, from when all is ready and scraped; the patient loses its model at the start."""
    with ExitStack() as stack:
        gateway = stack.enter_context(talk.forwarded("svc/talk-gateway", 8080))
        local = stack.enter_context(talk.forwarded("svc/talk-local", 8090))
        until("agents are ready", lambda: len(ready_agents(gateway)) == 3 or None, 120)
        until("all are scraped", lambda: scraped(talk, watching) or None, 90)
        asked = {"model": "joe", "input": "What is a cell?", "response_format": "wav"}
        question = local.post("/v1/audio/speech", json=asked).content
        assert gateway.post(f"/v1/agents/{PATIENT}/chat", json=said("Hello.")).status_code == 200
        talk.kubectl("scale", "deployment", MODELS[1], "--replicas=0")
        fault = time.monotonic()
        wrong = local.post("/v1/audio/speech", json={"model": "joe"})
        assert wrong.status_code >= 400, wrong.text
        kinds: dict[str, tuple[float, Callable[[int], httpx.Response]]] = {
            "text": (2.0, lambda n: gateway.post("/v1/chat", json={"text": "Hello.", "session_id": f"text-{n % 3}"})),
            "voice": (5.0, lambda _: gateway.post("/v1/speech_to_speech", files={"file": ("q.wav", question)})),
            "tool": (5.0, lambda n: gateway.post("/v1/agents/clerk/chat", json=said("Please ask.", f"tool-{n}"))),
            "fallback": (10.0, lambda n: gateway.post("/v1/agents/clerk/chat", json=said("Now fail.", f"fail-{n}"))),
            "patient": (3.0, lambda n: gateway.post(f"/v1/agents/{PATIENT}/chat", json=said("Hello.", f"ill-{n}"))),
            "unknown": (10.0, lambda _: gateway.post("/v1/agents/nobody/chat", json=said("Hello."))),
        }
        return Load(fault, kept_up(kinds, fault + LOAD_SECONDS))


def said(message: str, session: str = "one") -> dict[str, str]:
    return {"session_id": session, "message": message}


def kept_up(kinds: dict[str, tuple[float, Callable[[int], httpx.Response]]], end: float) -> dict[str, int]:
    """Asks each kind again and again, its seconds apart, until `end`; the 200s of each."""
    over = threading.Event()

    def ask(every: float, once: Callable[[int], httpx.Response]) -> int:
        well = number = 0
        while time.monotonic() < end and not over.wait(every):
            well += once(number).status_code == 200
            number += 1
        return well

    with ThreadPoolExecutor(len(kinds)) as pool:
        running = {name: pool.submit(ask, *kind) for name, kind in kinds.items()}
        return {name: each.result() for name, each in running.items()}


def scraped(talk: Namespace, watching: Prometheus) -> bool:
    """Whether every pod of Talk that has metrics is a target that answers, and no other is."""
    pods = {
        pod["metadata"]["name"]
        for pod in talk.get("pods", selector="app.kubernetes.io/part-of=talk")
        if any(port.get("name") == "metrics" for each in pod["spec"]["containers"] for port in each.get("ports", []))
    }
    return {each["labels"]["instance"] for each in watching.targets() if each["health"] == "up"} == pods


def test_every_part_is_scraped_under_its_name(watching: Prometheus, load: Load) -> None:
    jobs = {each["labels"]["job"] for each in watching.targets()}
    assert jobs == {"talk-gateway", "talk-operator", "talk-local", "talk-agents"}


def test_turns_of_every_kind_went_well(load: Load) -> None:
    assert all(load.turns[kind] for kind in ("text", "voice", "tool", "fallback")), load.turns


def test_every_rule_is_taken_and_healthy(watching: Prometheus, load: Load) -> None:
    given = watching.groups()
    names = [rule.get("alert") or rule["record"] for _, rule in rules()]
    assert sorted(rule["name"] for group in given.values() for rule in group) == sorted(names)
    ill = [
        (rule["name"], rule.get("lastError")) for group in given.values() for rule in group if rule["health"] != "ok"
    ]
    assert not ill
    assert len({file.name for file in RULES}) == len(given) - 3, "the SLOs have four groups"


def test_alerts_fire_for_an_agent_without_its_model(watching: Prometheus, load: Load) -> None:
    def firing() -> dict[str, dict[str, Any]] | None:
        found = {
            each["labels"]["alertname"]: each
            for each in watching.alerts()
            if each["state"] == "firing" and each["labels"].get("agent") == PATIENT
        }
        return found if found.keys() >= FIRE else None

    found = until(f"{FIRE} fire", firing, 240)
    EVIDENCE.mkdir(parents=True, exist_ok=True)
    (EVIDENCE / "alerts.json").write_text(json.dumps([found[name] for name in sorted(FIRE)], indent=2))
    for name in FIRE:
        assert found[name]["labels"]["severity"] == "critical"
        assert found[name]["annotations"]["runbook_url"].endswith(name.lower())
    firing_too = [each["labels"] for each in watching.alerts() if each["state"] == "firing"]
    assert {each.get("agent") for each in firing_too if each["alertname"] in FIRE} == {PATIENT}, "the others are well"


def test_every_query_of_every_panel_returns_data(watching: Prometheus, load: Load) -> None:
    queries = [
        (f"{file.stem}, {panel['title']}", target["expr"])
        for file in FILES
        for panel in panels(file)
        for target in panel["targets"]
    ]
    titles = {panel["title"] for file in FILES for panel in panels(file)}
    assert titles >= OF_A_FAULT, "a panel that is gone needs no fault"
    empty = {}
    end = time.monotonic() + 30  # what is worked out every 15 s
    while time.monotonic() < end:
        empty = {title: expr for title, expr in queries if not watching.panel(expr)}
        if not empty:
            break
        time.sleep(3)
    (EVIDENCE / "panels.json").write_text(json.dumps({"queries": len(queries), "empty": empty}, indent=2))
    assert not empty
