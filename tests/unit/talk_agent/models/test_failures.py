from __future__ import annotations

from email.utils import formatdate
from time import time

import pytest

from talk_agent.models import failures
from talk_kit.errors import (
    ContentFiltered,
    DeadlineExceeded,
    EmptyReply,
    KeyRefused,
    ProviderBusy,
    ProviderFailed,
    TalkError,
)


@pytest.mark.parametrize(
    ("status", "kind", "retryable", "next_model"),
    [
        (429, ProviderBusy, True, True),
        (529, ProviderBusy, True, True),
        (401, KeyRefused, True, True),
        (403, KeyRefused, True, True),
        (408, DeadlineExceeded, True, True),
        (504, DeadlineExceeded, True, True),
        (500, ProviderFailed, True, True),
        (502, ProviderFailed, True, True),
        (503, ProviderFailed, True, True),
        (404, failures.ModelUnknown, False, True),
        (400, failures.RequestRejected, False, False),
        (413, failures.RequestRejected, False, False),
        (422, failures.RequestRejected, False, False),
        (302, ProviderFailed, True, True),
    ],
)
def test_each_status_has_its_error(status: int, kind: type[TalkError], retryable: bool, next_model: bool) -> None:
    error = failures.from_status(status, {}, b'{"error": {"message": "SECRET"}}')
    assert type(error) is kind
    assert error.retryable is retryable
    assert failures.asks_next_model(error) is next_model
    assert "SECRET" not in error.detail


@pytest.mark.parametrize("code", [b"content_filter", b"ResponsibleAIPolicyViolation", b"content_policy_violation"])
def test_a_request_that_the_filter_refuses_is_filtered(code: bytes) -> None:
    error = failures.from_status(400, {}, b'{"error": {"code": "%s"}}' % code)
    assert isinstance(error, ContentFiltered)
    assert not failures.asks_next_model(error)


def test_a_conversation_that_is_too_long_is_called_so() -> None:
    error = failures.from_status(400, {}, b'{"error": {"code": "context_length_exceeded"}}')
    assert error.detail == "The conversation is too long for the model."


@pytest.mark.parametrize(
    ("raw", "seconds"),
    [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("1e9", 3600.0), ("soon", None), ("nan", None), ("", None)],
)
def test_retry_after_is_bounded_seconds(raw: str, seconds: float | None) -> None:
    assert failures.retry_after({"retry-after": raw}) == seconds


def test_retry_after_may_be_a_date() -> None:
    found = failures.retry_after({"retry-after": formatdate(time() + 100, usegmt=True)})
    assert found is not None
    assert 0 < found <= 100


def test_a_limit_carries_the_providers_patience_or_our_own() -> None:
    assert failures.from_status(429, {"retry-after": "7"}).retry_after == 7.0
    assert failures.from_status(429, {}).retry_after == ProviderBusy.default_retry_after
    assert isinstance(failures.from_status(503, {"retry-after": "3"}), ProviderBusy)


def test_an_empty_reply_asks_the_next_model_and_says_that_the_provider_is_there() -> None:
    error = failures.empty_reply()
    assert isinstance(error, EmptyReply)
    assert failures.asks_next_model(error)
    assert failures.provider_is_well(error)
    assert not failures.provider_is_well(failures.silent())
