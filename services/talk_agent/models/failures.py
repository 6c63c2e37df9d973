"""What went wrong at a model provider, in words of our own: those of the provider never reach a caller.

ProviderRejected
├── RequestRejected   400, 413, 422 ...   no other model is asked: the request itself is at fault
└── ModelUnknown      404                 another model may be asked
ProviderFailed
└── CutCall                               another model may be asked
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from talk_kit.errors import (
    ContentFiltered,
    DeadlineExceeded,
    EmptyReply,
    KeyRefused,
    OutOfTime,
    ProviderBusy,
    ProviderFailed,
    ProviderRejected,
    TalkError,
)

TARGET = "The model provider"
# A provider that asks for more patience than this (seconds) is down, not busy.
LONGEST_RETRY_AFTER = 3600.0

_FILTER_WORDS = ("content_filter", "content_policy", "responsibleaipolicyviolation", "content_management_policy")
_LENGTH_WORDS = ("context_length", "context window", "maximum context", "too many tokens", "prompt is too long")
_BUSY_WORDS = ("rate_limit", "ratelimit", "rate limit", "too many requests", "insufficient_quota", "resource_exhausted")


class RequestRejected(ProviderRejected):
    """The provider does not accept the request as it is; sending it again will not help."""


class ModelUnknown(ProviderRejected):
    """The provider does not serve this model, or the base URL is not that of its API."""


class CutCall(ProviderFailed):
    """The model, not its provider: asked again it would end alike."""

    blames_endpoint = False


def unreadable() -> TalkError:
    """The stream holds what is no chunk of an answer."""
    return ProviderFailed(f"{TARGET} sent an answer that cannot be read.")


def broken_off() -> TalkError:
    """The stream ended before the answer did."""
    return ProviderFailed(f"{TARGET} broke off its answer.")


def cut_call() -> TalkError:
    """The token limit fell into the arguments of a tool call."""
    return CutCall("The model reached its token limit in the middle of a tool call.")


def empty_reply() -> TalkError:
    """The model ended without a word and without a call."""
    return EmptyReply("The model gave no answer.")


def content_filtered() -> TalkError:
    """The provider's filter left no text."""
    return ContentFiltered("The provider's content filter left no text.")


def too_large() -> TalkError:
    """More bytes than any reply has."""
    return ProviderFailed(f"{TARGET} sent an answer that is too large.")


def silent() -> TalkError:
    """No life for longer than the idle time-out."""
    return DeadlineExceeded(f"{TARGET} did not answer in time.")


def from_status(status: int, headers: Mapping[str, str], body: bytes = b"") -> TalkError:
    """The error for an HTTP answer that is none of 2xx. The body is only searched for known codes."""
    if status == 429:
        return ProviderBusy(f"{TARGET} is at its limit.", retry_after=retry_after(headers))
    if status in (401, 403):
        return KeyRefused(f"{TARGET} refuses the credentials.")
    if status in (408, 504):
        return DeadlineExceeded(f"{TARGET} did not answer in time.")
    if status >= 500:
        return _server_error(status, headers)
    return _rejected(status, body[:65536].decode("utf-8", "replace").lower())


def _server_error(status: int, headers: Mapping[str, str]) -> TalkError:
    wait = retry_after(headers)
    if status == 529 or (status == 503 and wait is not None):
        return ProviderBusy(f"{TARGET} is at its limit.", retry_after=wait)
    return ProviderFailed(f"{TARGET} answered with an error (status {status}).", retry_after=wait)


def _rejected(status: int, body: str) -> TalkError:
    if status == 404:
        return ModelUnknown(f"{TARGET} does not know the model, or the base URL is wrong (status 404).")
    if status < 400:
        return ProviderFailed(f"{TARGET} redirects to another address; the base URL must be the final one.")
    if any(word in body for word in _FILTER_WORDS):
        return content_filtered()
    if any(word in body for word in _LENGTH_WORDS):
        return RequestRejected("The conversation is too long for the model.")
    return RequestRejected(f"{TARGET} rejected the request (status {status}).")


def in_band(error: Any) -> TalkError:
    """The error for one that came inside an answer of status 200. It is always retryable, a filter's apart."""
    words = _words(error)
    if any(word in words for word in _FILTER_WORDS):
        return content_filtered()
    if _code(error) == 429 or any(word in words for word in _BUSY_WORDS):
        return ProviderBusy(f"{TARGET} is at its limit.")
    return ProviderFailed(f"{TARGET} answered with an error.")


def _words(error: Any) -> str:
    try:
        return orjson.dumps(error).decode().lower()[:65536]
    except TypeError:
        return str(error).lower()[:65536]


def _code(error: Any) -> int | None:
    code = error.get("code", error.get("status")) if isinstance(error, dict) else None
    return int(code) if isinstance(code, int) or (isinstance(code, str) and code.isdecimal()) else None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds of `Retry-After` (a number or a date), between 0 and an hour; None where it says nothing."""
    raw = headers.get("retry-after", "").strip()
    if not raw:
        return None
    try:
        seconds = float(raw)
    except ValueError:
        seconds = _until(raw)
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER) if seconds == seconds else None


def _until(date: str) -> float:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return float("nan")


def asks_next_model(error: TalkError) -> bool:
    """Whether the next model of a chain may answer what this one did not."""
    return not isinstance(error, ContentFiltered | RequestRejected | OutOfTime)


def provider_is_well(error: TalkError) -> bool:
    """Whether the provider was reached and works, although this call failed."""
    return isinstance(error, ContentFiltered | RequestRejected | EmptyReply)
