"""From an empty namespace to a spoken answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.cluster import Namespace, until
from tests.fakes.words import words

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
QUESTION = "What is the function of red blood cells?"


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace) -> Namespace:
    """A release with offline speech and model, and the CRD only where no other release has it."""
    shared_namespace.install("talk", *offline(), wait=300)
    return shared_namespace


def offline() -> list[str]:
    """Values of an install that needs no provider; short replies keep the tests short."""
    return [
        "--set", "local.enabled=true", "--set", "local.maxTokens=40",
        "--set", "operator.enabled=false", "--set", "crds.install=false",
    ]  # fmt: skip


@pytest.fixture(scope="module")
def gateway(talk: Namespace) -> Iterator[httpx.Client]:
    """A client of the gateway whose agents are ready."""
    with talk.forwarded("svc/talk-gateway", 8080) as client:
        until("an agent is ready", lambda: ready_agents(client) or None, 180)
        yield client


def ready_agents(client: httpx.Client) -> list[str]:
    return [each["name"] for each in client.get("/v1/agents").json()["agents"] if each["ready"]]


def test_the_probes_answer(gateway: httpx.Client) -> None:
    assert gateway.get("/healthz").status_code == 200
    assert gateway.get("/ready").json()["ready"] is True
    assert gateway.get("/health").json()["status"] in ("ok", "degraded")


def test_the_page_is_there(gateway: httpx.Client) -> None:
    assert "<html" in gateway.get("/").text


def test_metrics_have_a_port_of_their_own(talk: Namespace, gateway: httpx.Client) -> None:
    assert gateway.get("/metrics").status_code == 404
    with talk.forwarded("deploy/talk-gateway", 9090) as metrics:
        assert "talk_gateway_http_requests_total" in metrics.get("/metrics").text


@pytest.mark.parametrize("body", [{"mode": "llm"}, {"mode": "agent", "agent_name": "assistant"}])
def test_a_text_is_answered_in_both_modes(gateway: httpx.Client, body: dict[str, str]) -> None:
    answer = gateway.post("/v1/chat", json={"text": "Hello, how are you?", **body})
    assert answer.status_code == 200, answer.text
    assert answer.json()["reply"].strip()


def test_a_conversation_is_kept_in_redis(talk: Namespace, gateway: httpx.Client) -> None:
    answer = gateway.post("/v1/chat", json={"text": "My name is Ada.", "session_id": "kept"})
    assert answer.status_code == 200, answer.text
    script = 'REDISCLI_AUTH="$REDIS_PASSWORD" redis-cli --raw keys "talk:1:*"'
    assert "kept" in talk.kubectl("exec", "talk-redis-0", "--", "sh", "-c", script)


def test_a_spoken_question_is_answered(talk: Namespace, gateway: httpx.Client) -> None:
    with talk.forwarded("svc/talk-local", 8090) as local:
        asked = {"model": "joe", "input": QUESTION, "response_format": "wav"}
        recording = local.post("/v1/audio/speech", json=asked).content
    answer = gateway.post("/v1/speech_to_speech?format=json", files={"file": ("question.wav", recording)})
    body = answer.json()
    assert answer.status_code == 200, body
    assert len(set(words(QUESTION)) & set(words(body["transcription"]))) >= 5
    assert body["llm_response"].strip()
    assert len(base64.b64decode(body["audio_base64"])) > 1000


def test_an_upload_over_the_spool_size_fits_on_a_read_only_root(gateway: httpx.Client) -> None:
    """10 MB of silence: read whole, and found to hold no speech."""
    header = (
        bytes.fromhex("52494646ffffffff57415645666d7420100000000100010080bb00000077010002001000")
        + b"data\xff\xff\xff\xff"
    )
    answer = gateway.post("/v1/speech_to_speech", files={"file": ("silence.wav", header + bytes(10_000_000))})
    assert (answer.status_code, answer.json()["code"]) == (422, "no_speech"), answer.text


def test_helm_test_does_a_real_turn(talk: Namespace, gateway: httpx.Client) -> None:
    assert "Succeeded" in talk.helm("test", "talk", "--timeout", "180s")


def test_pods_are_up_without_a_restart(talk: Namespace, gateway: httpx.Client) -> None:
    for pod in talk.get("pods"):
        for status in pod["status"].get("containerStatuses", []):
            assert status["restartCount"] == 0, pod["metadata"]["name"]
