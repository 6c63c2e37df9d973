"""What Redis says, as one clear sentence each. None holds a password or a key."""

from __future__ import annotations

import ssl

from redis import exceptions as redis_errors

from talk_kit.errors import Unavailable

OLDEST = (7, 0)


class Lost(Unavailable):
    """Redis was not reached, or broke off: what was asked may have happened or not."""


class Unfit(Unavailable):
    """Redis answers and cannot serve; the sentence says what to change."""


class UnknownSchema(Unfit):
    """What is stored was written by another version of Talk. Nothing was touched."""

    def __init__(self, found: str, known: str) -> None:
        super().__init__(
            f"Redis holds sessions of schema {found[:20]}; this version of Talk knows schema {known}. "
            "Run the version that wrote them, or give this one a database of its own."
        )


_SENTENCES = {
    "WRONGPASS": "Redis refuses the user or the password. Check TALK_REDIS_USER and TALK_REDIS_PASSWORD.",
    "NOAUTH": "Redis asks for a password. Set TALK_REDIS_PASSWORD.",
    "NOPERM": "The Redis user may not run what sessions need. docs/reference/redis-keys.md lists it.",
    "OOM": "Redis is full: it has reached maxmemory and refuses writes.",
    "READONLY": "Redis is a read-only replica. Give the address of the primary.",
    "MISCONF": "Redis cannot write to its disk, and refuses writes.",
    "LOADING": "Redis is loading its data.",
    "MASTERDOWN": "Redis is a replica that has lost its primary. Give the address of the primary.",
    "MOVED": "Redis is a cluster. Talk needs a single server.",
    "CLUSTERDOWN": "Redis is a cluster. Talk needs a single server.",
    "CROSSSLOT": "Redis is a cluster. Talk needs a single server.",
    "BUSY": "Redis is busy with a script.",
    "NOREPLICAS": "Redis has too few replicas, and refuses writes.",
}
_CODES = {
    redis_errors.AuthenticationError: "WRONGPASS",
    redis_errors.AuthorizationError: "NOAUTH",
    redis_errors.NoPermissionError: "NOPERM",
    redis_errors.OutOfMemoryError: "OOM",
    redis_errors.ReadOnlyError: "READONLY",
    redis_errors.BusyLoadingError: "LOADING",
    redis_errors.MasterDownError: "MASTERDOWN",
    redis_errors.MovedError: "MOVED",
    redis_errors.ClusterDownError: "CLUSTERDOWN",
    redis_errors.ClusterCrossSlotError: "CROSSSLOT",
}
# States that pass by themselves within seconds. WRONGPASS: the chart's Redis has begun anew, and the operator is about
# to set the agent's user again.
_PASSING = frozenset({"LOADING", "MASTERDOWN", "BUSY", "NOREPLICAS", "WRONGPASS"})


def translated(error: Exception, where: object) -> Unavailable:
    """The error for a caller. `where` is the server's address."""
    if isinstance(error, Unavailable):
        return error
    code = _code(error)
    if code:
        return (Lost if code in _PASSING else Unfit)(_SENTENCES[code])
    if _causes(error, ssl.SSLError):
        return Unfit(f"Redis at {where} cannot be trusted: TLS failed. Check TALK_REDIS_TLS and TALK_REDIS_CA_FILE.")
    if isinstance(error, redis_errors.TimeoutError | TimeoutError):
        return Lost(f"Redis at {where} does not answer in time.")
    if isinstance(error, redis_errors.ConnectionError | OSError):
        return Lost(f"Redis at {where} cannot be reached.")
    return Unfit(f"Redis at {where} answered with an error.")


def breaks_connection(error: Exception) -> bool:
    """Whether another connection may lead to a better server: a failover has left this one behind."""
    return _code(error) in ("READONLY", "MASTERDOWN")


def too_old(version: str) -> bool:
    """Whether a server of this version lacks what the scripts use."""
    try:
        return tuple(int(part) for part in version.split(".")[:2]) < OLDEST
    except ValueError:
        return False


def _code(error: BaseException | None) -> str:
    """A wrong password comes as the cause of a ConnectionError too."""
    while error is not None:
        if "Authentication required" in str(error):
            return "NOAUTH"
        for kind, code in _CODES.items():
            if isinstance(error, kind):
                return code
        text = str(error)
        for code in _SENTENCES:
            if text.startswith((f"{code} ", f"-{code} ")):
                return code
        if "without any password configured" in text or "invalid username-password" in text:
            return "WRONGPASS"
        error = error.__cause__
    return ""


def _causes(error: BaseException | None, kind: type[BaseException]) -> bool:
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False
