"""What every class of model takes: one model of a TalkAgent, resolved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from talk_agent.models.merge import Waits


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """`name` is `provider/model`. `api_key` is asked at each call, so that a new key needs no restart; it gives
    None where there is none and raises TalkError where it should be there and is not. `waits` are seconds."""

    name: str
    base_url: str | None = None
    api_key: Callable[[], str | None] = field(default=lambda: None, repr=False)
    temperature: float | None = None
    max_tokens: int | None = None
    waits: Waits = field(default_factory=Waits)

    @property
    def provider(self) -> str:
        """What stands before the slash."""
        return self.name.partition("/")[0]

    @property
    def served_name(self) -> str:
        """The name under which the provider knows the model."""
        return self.name.partition("/")[2]

    def body(self) -> dict[str, Any]:
        """The options that go into each request, where they are set."""
        options = {"temperature": self.temperature, "max_tokens": self.max_tokens}
        return {name: value for name, value in options.items() if value is not None}
