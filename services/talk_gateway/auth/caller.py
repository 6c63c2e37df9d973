"""Who sent a request, and what that lets them do."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from talk_kit.api_keys import CallerLimits
from talk_kit.errors import Forbidden
from talk_kit.identity import Identity
from talk_kit.logs import session_hash

NO_LIMITS = CallerLimits()


@dataclass(frozen=True, slots=True)
class Caller:
    """`name` is `key:<name>` or `oidc:<claim>`, and empty where nobody is asked who they are.

    `agents` are those that may be spoken to, by the names of the directory; None is every one. `via` is the turn
    of an agent that asks another one in this caller's name.
    """

    name: str = ""
    agents: frozenset[str] | None = None
    limits: CallerLimits = NO_LIMITS
    via: Identity | None = None

    def may_use(self, agent: str) -> bool:
        """Whether this agent may be spoken to."""
        return self.agents is None or agent in self.agents

    def require(self, agent: str) -> None:
        """Forbidden where it may not."""
        if not self.may_use(agent):
            raise Forbidden(f"These credentials do not cover the agent {agent}.")

    @property
    def logged(self) -> str:
        """For logs: the name of a key, which an operator chose; of a person only a keyed hash."""
        kind, _, own = self.name.partition(":")
        return f"oidc:{session_hash(own)}" if kind == "oidc" else self.name


ANONYMOUS = Caller()


def caller_of(connection: HTTPConnection) -> Caller:
    """The caller that the middleware found."""
    caller: Caller = getattr(connection.state, "caller", ANONYMOUS)
    return caller
