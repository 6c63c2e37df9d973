"""Only the gateway may ask: it says, signed, who the caller is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from talk_kit.errors import Unauthenticated
from talk_kit.identity import HEADER, Identity, InvalidKeyFile, PublicKeys
from talk_kit.settings import SettingsError


@dataclass(frozen=True, slots=True)
class Asked:
    """A request's identity, and the header it came in; without keys to check it with, nobody's."""

    identity: Identity | None = None
    token: str = ""

    @property
    def caller(self) -> str:
        """The caller's name, or nothing."""
        return self.identity.caller if self.identity else ""

    def require_session(self, session_id: str) -> None:
        """Unauthenticated where the gateway let the caller into another session."""
        if self.identity:
            self.identity.require_session(session_id)


class GatewayOnly:
    """`agent` is what the gateway calls this one. Without `keys` everyone may ask, as when an agent is run by hand."""

    def __init__(self, agent: str, keys: PublicKeys | None, clock: Callable[[], float] = time.time) -> None:
        self._agent = agent
        self._keys = keys
        self._clock = clock

    def asked(self, request: Request) -> Asked:
        """Who asks. Unauthenticated where the request did not come through the gateway."""
        if self._keys is None:
            return Asked()
        tokens = request.headers.getlist(HEADER)
        if len(tokens) != 1:
            raise Unauthenticated("This agent answers its gateway only.")
        now = self._clock()
        return Asked(self._keys.current(now).arrived(tokens[0], self._agent, now), tokens[0])


def gateway_only(agent: str, public: Path | None) -> GatewayOnly:
    """SettingsError where the file of keys cannot be used."""
    try:
        return GatewayOnly(agent, PublicKeys(public) if public else None)
    except InvalidKeyFile as error:
        raise SettingsError([f"TALK_IDENTITY_PUBLIC_FILE: {error}"]) from None
