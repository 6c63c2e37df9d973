"""The whole laptop path: spoken questions through every part, with the real offline models."""

from __future__ import annotations

import base64
import os
import signal
from pathlib import Path

import pytest

from tests.fakes.words import word_error_rate, words
from tests.laptop.conftest import Laptop

pytestmark = [pytest.mark.laptop, pytest.mark.timeout(300)]

SENTENCES = [
    "What is the function of red blood cells?",
    "It is stored in the nucleus.",
    "They make energy for the cell.",
    "I am not sure about that.",
    "Please tell me your full name and your date of birth.",
    "What time do you open on Monday?",
    "Plan a trip to the mountains for three days.",
    "Which protein carries oxygen in the blood?",
    "Could you say that again more slowly?",
    "Thank you very much for your help today.",
]


def spoken(laptop: Laptop, text: str) -> bytes:
    answer = laptop.local.post("/v1/audio/speech", json={"model": "joe", "input": text, "response_format": "wav"})
    assert answer.status_code == 200
    return answer.content


def test_ten_spoken_sentences_are_understood_and_answered(laptop: Laptop) -> None:
    heard = []
    for text in SENTENCES:
        answer = laptop.client.post("/v1/speech_to_speech?format=json", files={"file": ("q.wav", spoken(laptop, text))})
        body = answer.json()
        assert answer.status_code == 200, body
        assert body["llm_response"]
        assert len(base64.b64decode(body["audio_base64"])) > 1000
        heard.append(body["transcription"])
    assert word_error_rate(SENTENCES, heard) <= 0.10, heard


def test_the_spoken_reply_says_what_the_written_one_does(laptop: Laptop) -> None:
    question = {"file": ("q.wav", spoken(laptop, SENTENCES[0]))}
    with laptop.client.stream(
        "POST", "/v1/speech_to_speech?format=wav&mode=agent&agent_name=viva_examiner", files=question
    ) as answer:
        assert answer.status_code == 200
        sound = answer.read()
        session = answer.headers["x-session-id"]
    heard = laptop.local.post("/v1/audio/transcriptions", files={"file": ("a.wav", sound)}).json()["text"]
    assert session
    assert len(words(heard)) >= 2


@pytest.mark.parametrize("path", sorted(Path("examples").glob("*.yaml")), ids=lambda path: path.stem)
def test_each_example_answers(laptop: Laptop, path: Path) -> None:
    answer = laptop.client.post(
        "/v1/chat", json={"text": "Hello, how are you?", "mode": "agent", "agent_name": path.stem}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["reply"].strip()


def test_the_page_and_every_part_are_up(laptop: Laptop) -> None:
    assert "<title>" in laptop.client.get("/").text
    assert laptop.client.get("/ready").json()["ready"]
    assert laptop.local.get("/ready").json()["ready"]
    assert all(agent["ready"] for agent in laptop.client.get("/v1/agents").json()["agents"])


def test_one_interrupt_ends_everything(laptop: Laptop) -> None:
    os.kill(laptop.process.pid, signal.SIGINT)
    assert laptop.process.wait(30) == 0
    left = [p for p in Path("/proc").glob("[0-9]*/environ") if _belongs(p, laptop.client.base_url.port)]
    assert left == []


def _belongs(path: Path, port: int | None) -> bool:
    try:
        environ = path.read_bytes().split(b"\0")
    except OSError:
        return False
    return f"TALK_PORT={port}".encode() in environ and path.parent.name != str(os.getpid())
