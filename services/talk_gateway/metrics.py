"""The gateway's metrics, all of them."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

STAGES = ("asr", "llm_ttft", "first_sentence", "tts_ttfb", "first_audio", "total")
OUTCOMES = ("completed", "failed", "cancelled")
KINDS = ("chat", "voice")

turns = Counter("talk_gateway_turns", "Turns by agent, kind and outcome.", ["agent", "kind", "outcome"])
turns_running = Gauge("talk_gateway_turns_running", "Turns under way.", ["kind"])
turn_errors = Counter("talk_gateway_turn_errors", "Turns that failed, by the code of the failure.", ["agent", "code"])
turns_moved = Counter(
    "talk_gateway_turns_moved", "Turns that did not begin at a pod and were free to go to another, by why.", ["reason"]
)
turn_stage_seconds = Histogram(
    "talk_gateway_turn_stage_seconds",
    "Seconds of a turn's stages: asr, llm_ttft and tts_ttfb each from their own request, first_sentence from the "
    "model's request, first_audio and total from the end of the upload.",
    ["stage"],
    # Around the bounds people notice in speech, with first audio's objective of 1.5 s among them.
    buckets=(0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 60.0),
)
provider_requests = Counter(
    "talk_gateway_provider_requests", "Calls to speech providers by service and outcome.", ["service", "outcome"]
)

for _kind in KINDS:
    turns_running.labels(_kind)
for _reason in ("draining", "agent_not_ready"):
    turns_moved.labels(_reason)
for _stage in STAGES:
    turn_stage_seconds.labels(_stage)
for _service in ("asr", "tts"):
    for _outcome in ("ok", "error"):
        provider_requests.labels(_service, _outcome)
