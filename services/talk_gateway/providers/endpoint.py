"""Where a speech provider is, how long it may take, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from talk_kit.errors import (
    ContentFiltered,
    DeadlineExceeded,
    KeyRefused,
    OutOfTime,
    ProviderBusy,
    ProviderFailed,
    ProviderRejected,
    TalkError,
    Unavailable,
)
from talk_kit.guard import Guard
from talk_kit.talkagent.secret import Secret


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: to connect, to the first of an answer, for a silence within it, and for the whole answer."""

    connect: float
    first: float
    idle: float
    total: float


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint. `provider` is its name in the settings, `name` how errors call it, `setting` what
    configures it. `api_key` is asked at each call; empty for an endpoint that wants none.
    """

    provider: str
    name: str
    setting: str
    base_url: str
    model: str
    waits: Waits
    guard: Guard
    api_key: Callable[[], str] = field(default=str, repr=False)

    def url(self, path: str) -> str:
        """The URL of a path, or Unavailable with what to set where there is no endpoint."""
        if not self.base_url:
            raise Unavailable(f"{self.name} is not configured: set {self.setting}, or OPENAI_API_KEY.")
        return f"{self.base_url}{path}"

    def headers(self) -> dict[str, str]:
        """The credentials. KeyRefused where the key cannot be read."""
        try:
            key = self.api_key()
        except (OSError, ValueError) as error:
            raise KeyRefused(f"{self.name} has no usable API key.") from error
        return {"Authorization": f"Bearer {key}"} if key else {}

    def check(self, response: httpx.Response) -> None:
        """Raises what a status other than 200 means to the caller. The provider's words stay here."""
        status = response.status_code
        if status == httpx.codes.OK:
            return
        raw = response.headers.get("retry-after", "")
        wait = float(raw) if raw.isdecimal() else None
        if status == httpx.codes.TOO_MANY_REQUESTS or (status == httpx.codes.SERVICE_UNAVAILABLE and wait is not None):
            raise ProviderBusy(f"{self.name} is at its limit.", retry_after=wait)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise KeyRefused(f"{self.name} refuses Talk's credentials; its API key needs a look.")
        refused = 400 <= status < 500 and status != httpx.codes.REQUEST_TIMEOUT
        raise (ProviderRejected if refused else ProviderFailed)(f"{self.name} answered with status {status}.")


def key_file(path: Path) -> Callable[[], str]:
    """Reads a key anew each time. OSError and ValueError for a file that holds none."""
    return lambda: Secret(path.read_text()).reveal()


def asks_next_provider(error: TalkError) -> bool:
    """Whether another provider may do what this one did not: not for silence, a filter, or a caller out of time."""
    if isinstance(error, OutOfTime | ContentFiltered):
        return False
    return isinstance(error, ProviderFailed | Unavailable | DeadlineExceeded)
