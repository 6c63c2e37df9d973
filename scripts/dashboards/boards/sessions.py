"""Conversations and Redis."""

from __future__ import annotations

from scripts.dashboards.build import Board, Panel
from scripts.dashboards.queries import RATE, quantiles, rate

SESSIONS = Board(
    "talk-sessions",
    "Talk / Sessions and Redis",
    "Conversations: how many, how long a turn waits for its own, and the Redis that keeps them.",
    agents=True,
    rows={
        "Sessions": [
            Panel(
                "Sessions",
                "Conversations that are kept, by agent.",
                "short",
                {"{{agent}} {{namespace}}": "max by (namespace, agent) (talk_agent_sessions)"},
                width=8,
            ),
            Panel(
                "Wait for a session",
                "From a turn's arrival to its conversation being read: earlier turns, the lease, the store. "
                "The objective is 0.5 s.",
                "s",
                quantiles("talk_agent_session_setup_seconds", "agent"),
                width=8,
            ),
            Panel(
                "Turns refused for a busy session",
                "Turns a second that waited in vain for the turn before them (409).",
                "reqps",
                rate("talk_agent_turn_failures_total", "agent", '{code="session_busy"}'),
                width=8,
            ),
        ],
        "Redis": [
            Panel(
                "Redis answers",
                "Agents' pods that reach Redis, as part of all.",
                "percentunit",
                {"reached": "avg(talk_agent_redis_up)"},
                width=8,
            ),
            Panel(
                "Round trips",
                "Seconds of a command, or a batch of them.",
                "s",
                quantiles("talk_agent_redis_command_seconds"),
                width=8,
            ),
            Panel(
                "Round trips that fail",
                "Round trips a second, all and failed.",
                "reqps",
                {
                    "all": f"sum(rate(talk_agent_redis_command_seconds_count{RATE}))",
                    "failed": f"sum(rate(talk_agent_redis_errors_total{RATE}))",
                },
                width=8,
            ),
            Panel(
                "Memory",
                "What Redis uses, and what it may use (0: no limit).",
                "bytes",
                {"used": "max(talk_agent_redis_memory_bytes)", "limit": "max(talk_agent_redis_memory_limit_bytes)"},
            ),
            Panel(
                "Connections",
                "Connections that Redis serves, and how many it accepts.",
                "short",
                {"open": "max(talk_agent_redis_clients)", "limit": "max(talk_agent_redis_clients_limit)"},
            ),
            Panel(
                "Lost for want of room",
                "Keys dropped and connections refused since Redis started; both stay at 0.",
                "short",
                {
                    "keys": "max(talk_agent_redis_evicted_keys)",
                    "connections": "max(talk_agent_redis_rejected_connections)",
                },
                width=8,
            ),
            Panel(
                "Writes to disk go well",
                "1 while Redis' latest writes to its disk succeeded.",
                "short",
                {"ok": "min(talk_agent_redis_persistence_ok)"},
                width=8,
            ),
            Panel(
                "Uptime of Redis",
                "Seconds since Redis started; a fall is a restart.",
                "s",
                {"up for": "max(talk_agent_redis_uptime_seconds)"},
                width=8,
            ),
        ],
    },
)
