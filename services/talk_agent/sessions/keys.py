"""Names of keys. docs/reference/redis-keys.md lists them; the number after `talk:` is the schema.

All keys of one user of one agent share the hash tag `{agent/user}`, so that a script may touch them together on a
cluster. What belongs to the whole agent has the tag `{agent}` and is written apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from talk_kit.session_keys import agent_root, escaped, user_root

# Stands for a session that has its user's id, as all have without authentication: half the bytes of a key.
_SAME = "="


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """Keys of one session; all in one slot."""

    meta: str
    events: str
    user: str
    index: str
    lease: str
    line: str
    answers: str
    answer_ends: str


@dataclass(frozen=True, slots=True)
class AgentKeys:
    """Keys of one agent; in another slot than its sessions'."""

    app: str
    users: str
    probe: str


def agent_keys(agent: str) -> AgentKeys:
    """The keys of an agent: its `app:` state, its users by last use, and what it writes to see whether it can."""
    root = agent_root(agent)
    return AgentKeys(app=f"{root}:app", users=f"{root}:users", probe=f"{root}:probe")


def owner_key(agent: str, session: str) -> str:
    """Whose a session id is, where callers are told apart. In the agent's slot: it is asked for by the id alone."""
    return f"{agent_root(agent)}:owner:{escaped(session)}"


def session_keys(agent: str, user: str, session: str) -> SessionKeys:
    """The keys of a session. Any text is a legal name: what could end the hash tag is escaped."""
    root = user_root(agent, user)
    name = _SAME if session == user else escaped(session)
    return SessionKeys(
        meta=f"{root}:session:{name}",
        events=f"{root}:events:{name}",
        user=f"{root}:user",
        index=f"{root}:sessions",
        lease=f"{root}:lease:{name}",
        line=f"{root}:line:{name}",
        answers=f"{root}:answers:{name}",
        answer_ends=f"{root}:answer-ends:{name}",
    )
