"""Where a speech provider is, and what its refusals mean."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx

from talk_kit.errors import ProviderBusy, ProviderFailed, ProviderUnreachable, Unavailable


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint. `name` is how errors call it, `setting` what configures it."""

    name: str
    setting: str
    base_url: str
    model: str
    api_key: str = field(default="", repr=False)

    def url(self, path: str) -> str:
        """The URL of a path, or Unavailable with what to set where there is no endpoint."""
        if not self.base_url:
            raise Unavailable(f"{self.name} is not configured: set {self.setting}, or OPENAI_API_KEY.")
        return f"{self.base_url}{path}"

    def headers(self) -> dict[str, str]:
        """The credentials."""
        return {"Authorization": f"Bearer {self.api_key}"} if self.api_key else {}

    def check(self, response: httpx.Response) -> None:
        """Raises what a status other than 200 means to the caller. The provider's words stay here."""
        status = response.status_code
        if status == httpx.codes.OK:
            return
        if status == httpx.codes.TOO_MANY_REQUESTS:
            raw = response.headers.get("retry-after", "")
            raise ProviderBusy(f"{self.name} is at its limit.", retry_after=float(raw) if raw.isdecimal() else None)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise ProviderUnreachable(f"{self.name} refuses Talk's credentials; its API key needs a look.")
        raise ProviderFailed(f"{self.name} answered with status {status}.")
