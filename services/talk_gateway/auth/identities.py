"""Identities that go on to agents, and come back from those that ask others."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import Headers

from talk_gateway.auth.caller import Caller
from talk_kit.errors import Forbidden, InvalidRequest, Unauthenticated
from talk_kit.identity import HEADER, Identity, InvalidKeyFile, PublicKeys, Signer, Verifier, read_signer
from talk_kit.logs import get_logger
from talk_kit.names import CALL_DEPTH, called_session
from talk_kit.settings import SettingsError

log = get_logger(__name__)


class Identities:
    """Signs with `signer`; takes back what that has signed, or a key of `others`, which signed before it.

    Without a signer agents are not told who calls. `clock` is the time of day in seconds.
    """

    def __init__(
        self, signer: Signer | None, others: PublicKeys | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._signer = signer
        self._own = Verifier(signer.public) if signer else None
        self._others = others
        self._clock = clock

    def handed_back(self, headers: Headers) -> Caller | None:
        """The caller that an agent asks for, or None where no agent asks. Unauthenticated where it is forged."""
        tokens = headers.getlist(HEADER)
        if not tokens or self._own is None:
            return None
        if len(tokens) > 1:
            raise Unauthenticated("The request has several identities.")
        identity = self._verified(tokens[0])
        return Caller(identity.caller, via=identity)

    def headers(self, caller: Caller, agent: str, session: str) -> dict[str, str]:
        """What goes with a turn to the agent of that name. Forbidden where an agent asks beyond its own sessions."""
        if self._signer is None:
            return {}
        path = () if caller.via is None else _path_on(caller.via, agent, session)
        return {HEADER: self._signer.sign(Identity(caller.name, agent, session, path), self._clock())}

    def _verified(self, token: str) -> Identity:
        assert self._own is not None
        now = self._clock()
        try:
            return self._own.handed_back(token, now)
        except Unauthenticated:
            if self._others is None:
                raise
            return self._others.current(now).handed_back(token, now)


def _path_on(via: Identity, agent: str, session: str) -> tuple[str, ...]:
    """The path of calls, kept by the gateway itself: an agent's image may be anyone's."""
    asking, asked = via.agent.partition(".")[0], agent.partition(".")[0]
    if session != called_session(via.session, asking):
        raise Forbidden("An agent asks another one in a session of its own turn only.")
    path = (*via.path, asking)
    if asked in path:
        raise InvalidRequest(f"The agent {asked!r} waits for this answer itself.")
    if len(path) > CALL_DEPTH:
        raise InvalidRequest(f"Agents may ask one another {CALL_DEPTH} deep; this call would go deeper.")
    return path


def build_identities(private: Path | None, public: Path | None, auth_mode: str) -> Identities:
    """SettingsError where a file cannot be used."""
    if private is None:
        if auth_mode != "none":
            log.warning("callers_not_told_apart", reason="TALK_IDENTITY_FILE is not set: agents know sessions only")
        return Identities(None)
    try:
        return Identities(read_signer(private), PublicKeys(public) if public else None)
    except InvalidKeyFile as error:
        raise SettingsError([f"TALK_IDENTITY_FILE, TALK_IDENTITY_PUBLIC_FILE: {error}"]) from None
