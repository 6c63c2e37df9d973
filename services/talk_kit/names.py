"""Names and ids that come from outside: what is accepted, and the one spelling used inside."""

from __future__ import annotations

import hashlib
import re
import secrets

from talk_kit.errors import InvalidRequest

AGENT_NAME = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,38}[a-z0-9])?")
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
SESSION_ID_LENGTH = 128
# How deep agents may ask one another.
CALL_DEPTH = 3


def canonical_agent_name(raw: str) -> str:
    """The name as Kubernetes spells it: `viva_examiner` and `viva-examiner` are one agent.

    No check that it is legal: an unknown name is answered with the known ones, whatever it looks like.
    """
    return raw.strip().replace("_", "-")


def name_for_gateway(name: str, namespace: str) -> str:
    """How the gateway calls an agent: by its name, or `name.namespace` where a namespace tells it from its own."""
    return f"{name}.{namespace}" if namespace else name


def is_agent_name(name: str) -> bool:
    """Whether this is a legal name: a DNS label of at most 40 characters."""
    return AGENT_NAME.fullmatch(name) is not None


def new_id() -> str:
    """A fresh id of 128 random bits as 32 hex digits: request, turn and session ids."""
    return secrets.token_hex(16)


def request_id_or_new(raw: str | None) -> str:
    """The caller's X-Request-ID where it is 1 to 128 of `[A-Za-z0-9._-]`, else a new one."""
    return raw if raw and REQUEST_ID.fullmatch(raw) else new_id()


def check_session_id(raw: str) -> str:
    """A session id: 1 to 128 printable characters without white space at its ends, else InvalidRequest."""
    if not raw or len(raw) > SESSION_ID_LENGTH or not raw.isprintable() or raw != raw.strip():
        raise InvalidRequest(f"A session id has 1 to {SESSION_ID_LENGTH} printable characters.")
    return raw


def called_session(session_id: str, caller: str) -> str:
    """The session of a called agent: `<session>.<caller>`, with a hash for a session id that is too long for that."""
    joined = f"{session_id}.{caller}"
    if len(joined) <= SESSION_ID_LENGTH:
        return joined
    return f"{hashlib.sha256(session_id.encode('utf-8', 'surrogatepass')).hexdigest()}.{caller}"


def session_id_of(header: str | None, member: str | None) -> str:
    """The session of a request that may name it in `X-Session-ID`, in its body, in both alike, or not at all."""
    given = {check_session_id(raw) for raw in (_from_header(header), member) if raw}
    if len(given) > 1:
        raise InvalidRequest("The header X-Session-ID and the member session_id name two sessions; send one.")
    return given.pop() if given else new_id()


def header_of_session(session_id: str) -> dict[str, str]:
    """`X-Session-ID` for an answer. Starlette writes header values as latin-1: this makes the bytes those of UTF-8."""
    return {"X-Session-ID": session_id.encode().decode("latin-1")}


def _from_header(raw: str | None) -> str | None:
    """A header's value, whose bytes Starlette reads as latin-1, as the UTF-8 that they are."""
    try:
        return raw and raw.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise InvalidRequest("The header X-Session-ID is no UTF-8.") from None
