"""What Redis holds of sessions, by the agent's own code, as JSON: `{session: [[author, text], ...]}`.

    python -m tests.chaos.kept AGENT < sessions.json
    kubectl exec -i deploy/talkagent-assistant -- python -c "$(cat tests/chaos/kept.py)" assistant < sessions.json

Stands alone, so that it runs in an agent's pod, with the agent's environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from talk_agent.sessions.export import ALL_TURNS, transcript
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_agent.settings import Settings
from talk_kit.settings import load


async def kept(agent: str, sessions: list[str]) -> dict[str, list[tuple[str, str]]]:
    """Each session's messages, oldest first."""
    address = load(Settings, os.environ).redis()
    assert address is not None, "no Redis is configured"
    store = RedisSessionStore(RedisServer(address), agent, ttl=1.0, answer_ttl=1.0)
    try:
        return {session: transcript(await store.load(session, ALL_TURNS)) for session in sessions}
    finally:
        await store.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(kept(sys.argv[1], json.load(sys.stdin)))))
