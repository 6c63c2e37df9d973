"""What a call to a speech provider counts as."""

from __future__ import annotations

import asyncio
import contextlib

import pytest
from prometheus_client import REGISTRY

from talk_gateway import metrics
from talk_kit.errors import BY_CODE, DeadlineExceeded, ProviderBusy


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("error", "outcome", "code"),
    [
        (None, "ok", None),
        (ProviderBusy(), "error", "provider_busy"),
        (DeadlineExceeded(), "error", "deadline"),
        (ValueError(), "error", "internal"),
        (asyncio.CancelledError(), "cancelled", None),
        (GeneratorExit(), "cancelled", None),
    ],
)
def test_a_call_ends_once_and_a_caller_that_goes_is_no_error(
    error: BaseException | None, outcome: str, code: str | None
) -> None:
    def errors() -> float:
        return sum(value("talk_gateway_provider_errors_total", service="asr", code=each) for each in BY_CODE)

    counted = value("talk_gateway_provider_requests_total", service="asr", outcome=outcome)
    failed, late = errors(), value("talk_gateway_timeouts_total", target="asr")
    with contextlib.suppress(BaseException), metrics.ProviderCall("asr"):
        if error is not None:
            raise error
    assert value("talk_gateway_provider_requests_total", service="asr", outcome=outcome) == counted + 1
    assert errors() == failed + (code is not None)
    assert value("talk_gateway_timeouts_total", target="asr") == late + (code == "deadline")


def test_only_the_first_answer_is_timed() -> None:
    before = value("talk_gateway_provider_seconds_count", service="tts")
    with metrics.ProviderCall("tts") as call:
        call.answered()
        call.answered()
    assert value("talk_gateway_provider_seconds_count", service="tts") == before + 1


def test_an_agent_is_there_at_zero_once_it_is_heard_of() -> None:
    metrics.prepare("never-asked")
    for code in metrics.FAULTS:
        assert REGISTRY.get_sample_value("talk_gateway_turn_errors_total", {"agent": "never-asked", "code": code}) == 0
    assert "no_speech" not in metrics.FAULTS
    assert "content_filter" not in metrics.FAULTS
