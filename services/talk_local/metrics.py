"""What talk_local measures beside HTTP."""

from __future__ import annotations

from prometheus_client import Gauge

from talk_kit.metrics import http_metrics

ENGINES = ("asr", "tts")

queue = Gauge("talk_local_queue_requests", "Requests that an engine works on, or that wait for it.", ["engine"])

for _engine in ENGINES:
    queue.labels(_engine)
timeouts = http_metrics("local").timeouts
timeouts.labels("llm")
