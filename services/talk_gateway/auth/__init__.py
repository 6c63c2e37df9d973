"""Who calls: credentials, checked before anything else of a request is read."""

from talk_gateway.auth.authenticator import Anonymous, Authenticator
from talk_gateway.auth.caller import ANONYMOUS, Caller, caller_of
from talk_gateway.auth.visible import VisibleAgents

__all__ = ["ANONYMOUS", "Anonymous", "Authenticator", "Caller", "VisibleAgents", "caller_of"]
