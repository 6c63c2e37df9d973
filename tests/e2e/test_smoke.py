"""From an empty namespace to a spoken answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.cluster import ROOT, Namespace, offline, ready_agents, until
from tests.fakes.words import words

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
QUESTION = "What is the function of red blood cells?"


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace) -> Namespace:
    """A release with offline speech and model."""
    shared_namespace.install("talk", *offline())
    return shared_namespace


@pytest.fixture(scope="module")
def gateway(talk: Namespace) -> Iterator[httpx.Client]:
    """A client of the gateway whose agents are ready."""
    with talk.forwarded("svc/talk-gateway", 8080) as client:
        until("an agent is ready", lambda: ready_agents(client) or None, 180)
        yield client


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


@pytest.fixture(scope="module")
def question(talk: Namespace) -> bytes:
    """A recording of `QUESTION`."""
    with talk.forwarded("svc/talk-local", 8090) as local:
        asked = {"model": "joe", "input": QUESTION, "response_format": "wav"}
        return local.post("/v1/audio/speech", json=asked).content


def test_an_applied_agent_answers_a_spoken_question(talk: Namespace, gateway: httpx.Client, question: bytes) -> None:
    talk.kubectl("apply", "-f", str(ROOT / "examples/viva-examiner.yaml"))
    talk.kubectl("wait", "--for=condition=Ready", "talkagent/viva-examiner", "--timeout=120s")
    until("the gateway knows it", lambda: "viva-examiner" in ready_agents(gateway) or None, 15)
    answer = gateway.post(
        "/v1/speech_to_speech?format=json&mode=agent&agent_name=viva_examiner", files={"file": ("q.wav", question)}
    )
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
