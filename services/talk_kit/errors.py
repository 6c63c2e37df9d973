"""What can go wrong, as one tree.

TalkError                       code                  status  retryable
├── InvalidRequest              invalid_request        400    no
├── Unauthenticated             unauthenticated        401    no
├── Forbidden                   forbidden              403    no
├── NotFound                    not_found              404    no
│   └── UnknownAgent            unknown_agent          404    no     names the known ones
├── SlowRequest                 slow_request           408    yes    head or body came too slowly
├── SessionBusy                 session_busy           409    yes    another turn runs in the session
├── TooLarge                    too_large              413    no
├── UnsupportedMedia            unsupported_media      415    no     bytes of no known container
├── NoSpeech                    no_speech              422    no     nothing was said
├── IdempotencyMismatch         idempotency_mismatch   422    no     a key that came with another body before
├── RateLimited                 rate_limited           429    yes    our own limit
├── HeadTooLarge                head_too_large         431    no
├── ProviderFailed              provider_failed        502    yes    the provider answered, and wrongly
│   ├── ProviderRejected        provider_failed        502    no     it does not accept what it was asked
│   ├── EmptyReply              empty_reply            502    yes
│   ├── NoAudio                 no_audio               502    yes    TTS answered 200 without sound
│   └── ContentFiltered         content_filter         502    no     the provider's filter left no text
├── Unavailable                 unavailable            503    yes    nothing was tried
│   ├── ProviderUnreachable     provider_unreachable   503    yes    no connection to the provider
│   │   └── KeyRefused          provider_unreachable   503    yes    it does not accept our credentials
│   ├── ProviderBusy            provider_busy          503    yes    the provider is at its own limit
│   ├── CircuitOpen             circuit_open           503    yes
│   ├── Overloaded              overloaded             503    yes    this process runs all that it can
│   ├── AgentNotReady           agent_not_ready        503    yes
│   └── Draining                draining               503    yes
├── DeadlineExceeded            deadline               504    yes
│   └── OutOfTime               deadline               504    yes    the caller's time, whoever was asked
├── Cancelled                   cancelled              499    yes    the caller went away; never sent
└── Internal                    internal               500    no

A `detail` is for the caller: it says what to do, and holds no secret, no stack and no word of an upstream.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class TalkError(Exception):
    """The root. `detail` is one sentence for the caller; `extra` becomes members of the problem document."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False
    default_retry_after: ClassVar[float | None] = None
    closes_connection: ClassVar[bool] = False
    """Whether what still comes on the connection is no request."""
    blames_endpoint: ClassVar[bool] = False
    """Whether it says that who was asked is ill: such errors open a circuit, and may be tried again."""

    def __init__(
        self, detail: str = "", *, retry_after: float | None = None, extra: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.retry_after = self.default_retry_after if retry_after is None else retry_after
        self.extra = dict(extra or {})


class InvalidRequest(TalkError):
    """The request cannot be understood; sending it again as it is will not help."""

    status, code, title = 400, "invalid_request", "Invalid request"


class Unauthenticated(TalkError):
    """No credentials, or wrong ones."""

    status, code, title = 401, "unauthenticated", "Not authenticated"


class Forbidden(TalkError):
    """The caller is known and may not do this."""

    status, code, title = 403, "forbidden", "Not allowed"


class NotFound(TalkError):
    """Nothing of that name."""

    status, code, title = 404, "not_found", "Not found"


class UnknownAgent(NotFound):
    """No agent of that name; `known` lists those there are, as Kubernetes spells them."""

    code, title = "unknown_agent", "Unknown agent"

    def __init__(self, name: str, known: list[str]) -> None:
        listed = ", ".join(known) or "none"
        super().__init__(f"No agent is named {name!r}. Known agents: {listed}.", extra={"known": known})


class SlowRequest(TalkError):
    """The head or the body came slower than is waited for."""

    status, code, title, retryable = 408, "slow_request", "Came too slowly", True
    closes_connection = True


class SessionBusy(TalkError):
    """Another turn of the same session runs, and did not end while this one waited."""

    status, code, title, retryable = 409, "session_busy", "Session is busy", True
    default_retry_after = 2.0


class TooLarge(TalkError):
    """The body is over its limit."""

    status, code, title = 413, "too_large", "Too large"


class UnsupportedMedia(TalkError):
    """The bytes are of no known audio container."""

    status, code, title = 415, "unsupported_media", "Unsupported media"


class NoSpeech(TalkError):
    """The recording holds no speech."""

    status, code, title = 422, "no_speech", "No speech heard"


class IdempotencyMismatch(TalkError):
    """The Idempotency-Key came with another body before."""

    status, code, title = 422, "idempotency_mismatch", "Key was used for another request"


class RateLimited(TalkError):
    """Talk's own limit."""

    status, code, title, retryable = 429, "rate_limited", "Too many requests", True
    default_retry_after = 1.0


class HeadTooLarge(TalkError):
    """The request line or the header fields are over their limits."""

    status, code, title = 431, "head_too_large", "Headers too large"
    closes_connection = True


class ProviderFailed(TalkError):
    """A provider answered with an error, broke off, or sent what cannot be read."""

    status, code, title, retryable = 502, "provider_failed", "Provider failed", True
    blames_endpoint = True


class ProviderRejected(ProviderFailed):
    """The provider is well and does not accept the request as it is; sending it again will not help."""

    retryable, blames_endpoint = False, False


class EmptyReply(ProviderFailed):
    """The model ended its turn without a word and without a tool call."""

    code, title = "empty_reply", "Empty reply"
    blames_endpoint = False


class NoAudio(ProviderFailed):
    """The speech provider answered with success and no sound."""

    code, title = "no_audio", "No audio"
    blames_endpoint = False


class ContentFiltered(ProviderFailed):
    """The provider's content filter left no text."""

    code, title, retryable = "content_filter", "Filtered by the provider", False
    blames_endpoint = False


class Unavailable(TalkError):
    """Nothing was tried, or nothing was reached; the same request may succeed soon."""

    status, code, title, retryable = 503, "unavailable", "Unavailable", True
    default_retry_after = 5.0


class ProviderUnreachable(Unavailable):
    """No connection to the provider, or credentials that it refuses."""

    code, title = "provider_unreachable", "Provider unreachable"
    blames_endpoint = True


class KeyRefused(ProviderUnreachable):
    """A key is for people to mend. No circuit opens, so that a new one works at once."""

    blames_endpoint = False


class ProviderBusy(Unavailable):
    """The provider is at its own limit."""

    code, title = "provider_busy", "Provider busy"


class CircuitOpen(Unavailable):
    """The provider failed lately; it is left alone for a while."""

    code, title = "circuit_open", "Provider is failing"


class Overloaded(Unavailable):
    """This process runs all that it can, and nothing fell free while the caller waited."""

    code, title = "overloaded", "Overloaded"
    default_retry_after = 2.0


class AgentNotReady(Unavailable):
    """The agent exists and cannot take a turn now."""

    code, title = "agent_not_ready", "Agent not ready"


class Draining(Unavailable):
    """This process is about to stop; another one takes the request."""

    code, title = "draining", "Shutting down"
    default_retry_after = 1.0


class DeadlineExceeded(TalkError):
    """The turn, or a stage of it, took longer than its bound."""

    status, code, title, retryable = 504, "deadline", "Took too long", True
    blames_endpoint = True


class OutOfTime(DeadlineExceeded):
    """The time that the caller gave is used up; it says nothing about who was asked."""

    blames_endpoint = False


class Cancelled(TalkError):
    """The caller went away. Seen in logs and metrics only."""

    status, code, title, retryable = 499, "cancelled", "Cancelled", True


class Internal(TalkError):
    """A defect of Talk. The cause is in the log under the request id."""

    status, code, title = 500, "internal", "Internal error"


def _walk(root: type[TalkError]) -> list[type[TalkError]]:
    return [root, *(found for child in root.__subclasses__() for found in _walk(child))]


BY_CODE: dict[str, type[TalkError]] = {cls.code: cls for cls in reversed(_walk(TalkError))}


def from_code(code: str, detail: str, *, retry_after: float | None = None) -> TalkError:
    """The error that another part of Talk named by its code; an unknown code is a `ProviderFailed`."""
    cls = BY_CODE.get(code, ProviderFailed)
    if cls is UnknownAgent:
        return NotFound(detail)
    return cls(detail, retry_after=retry_after)
