"""A Redis user for each agent: its name, its password and what it may do. Pure, and the standard library only.

Nobody keeps these passwords: who knows the Secret's derives them. docs/adr/0013 says why.
"""

from __future__ import annotations

import hashlib
import hmac

from talk_kit.names import name_for_gateway
from talk_kit.session_keys import SCHEMA_KEY, agent_root, users_root

PREFIX = "agent."
# What sessions, leases and the agent's own look at Redis use. None lists keys, and none reaches another connection.
COMMANDS = (
    "eval", "evalsha", "get", "set", "ping", "info", "hset", "hgetall", "hget", "hmget", "hsetnx", "hdel", "rpush",
    "lrange", "lindex", "lset", "llen", "zadd", "zrem", "zcard", "zrange", "zremrangebyscore", "pexpire", "del", "time",
)  # fmt: skip


def user_name(namespace: str, name: str) -> str:
    """The user of an agent. A namespace has no dot, so no two agents share one."""
    return f"{PREFIX}{namespace}.{name}"


def user_password(secret: str, namespace: str, name: str) -> str:
    """64 hex digits. `secret` is the password of Redis' default user."""
    text = f"talk redis user\n{namespace}/{name}"
    return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def user_rules(secret: str, namespace: str, name: str, foreign: str) -> tuple[str, ...]:
    """What follows `ACL SETUSER <name>`: this user and no more, whatever it was before.

    No sign of a pattern is in them: names of keys are percent-encoded. `foreign` is the agent's namespace where the
    gateway names it, else empty: its keys are named as the gateway does.
    """
    agent = name_for_gateway(name, foreign)
    digest = hashlib.sha256(user_password(secret, namespace, name).encode()).hexdigest()
    keys = (f"~{agent_root(agent)}:*", f"~{users_root(agent)}*", f"%R~{SCHEMA_KEY}")
    return ("reset", "on", f"#{digest}", *keys, "resetchannels", "-@all", *(f"+{command}" for command in COMMANDS))
