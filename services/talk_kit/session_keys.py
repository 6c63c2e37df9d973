"""What an agent's keys in Redis begin with. docs/reference/redis-keys.md lists them."""

from __future__ import annotations

from urllib.parse import quote

# The number after `talk:` in every key.
SCHEMA = "1"
# Outside every schema: which one the server holds.
SCHEMA_KEY = "talk:schema"


def agent_root(agent: str) -> str:
    """Of what belongs to a whole agent; a colon follows. `agent` is how the gateway calls it."""
    return f"talk:{SCHEMA}:{{{escaped(agent)}}}"


def user_root(agent: str, user: str) -> str:
    """Of what belongs to one user of an agent; a colon follows."""
    return f"{users_root(agent)}{escaped(user)}}}"


def users_root(agent: str) -> str:
    """Of what belongs to any user of an agent. No name has a slash, so no other agent's key begins so."""
    return f"talk:{SCHEMA}:{{{escaped(agent)}/"


def escaped(name: str) -> str:
    """Percent-encoded; an empty name becomes `%`, which no other name is encoded to."""
    return quote(name.encode("utf-8", "surrogatepass"), safe="") or "%"
