"""`python -m talk_agent.sessions AGENT COMMAND`: what `talk sessions` runs, beside Redis and without an agent.

In a cluster: `kubectl exec deploy/talkagent-<name> -- python -m talk_agent.sessions <name> list`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Sequence

import orjson

from talk_agent.sessions.export import ALL_TURNS, deleted, exported, transcript
from talk_agent.sessions.lease import RedisTurnLock
from talk_agent.sessions.port import NOT_THERE
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from talk_agent.settings import Settings
from talk_kit.errors import NotFound, TalkError
from talk_kit.names import canonical_agent_name, name_for_gateway
from talk_kit.settings import SettingsError, load

_UNUSED_SECONDS = 1.0  # nothing is stored here, so no time to live is used


def main(argv: Sequence[str] | None = None) -> int:
    """0 done, 1 not found or not reached, 2 the environment cannot be used."""
    arguments = _parser().parse_args(argv)
    try:
        settings = load(Settings, os.environ)
        address = settings.redis()
    except SettingsError as error:
        return _told(error.problems, 2)
    if address is None:
        return _told(["No Redis is configured: set TALK_REDIS_URL."], 2)
    server = RedisServer(address)
    agent = name_for_gateway(canonical_agent_name(arguments.agent), settings.agent_namespace)
    store = RedisSessionStore(server, agent, ttl=_UNUSED_SECONDS, answer_ttl=_UNUSED_SECONDS)
    lock = RedisTurnLock(server, agent, wait=settings.session_wait)
    try:
        asyncio.run(_closing(_run(arguments, store, lock), store))
    except TalkError as error:
        return _told([error.detail], 1)
    return 0


async def _closing(work: object, store: RedisSessionStore) -> None:
    try:
        await work  # type: ignore[misc]
    finally:
        await store.close()


async def _run(arguments: argparse.Namespace, store: RedisSessionStore, lock: RedisTurnLock) -> None:
    if arguments.command == "list":
        await _list(store)
    elif arguments.command == "show":
        loaded = await store.load(arguments.session, ALL_TURNS, user=await store.owner(arguments.session))
        if not loaded.version:
            raise NotFound(NOT_THERE)
        for author, text in transcript(loaded):
            print(f"{'you' if author == 'user' else author}: {text}")
    elif arguments.command == "export":
        found = await exported(store, arguments.session, await store.owner(arguments.session))
        sys.stdout.buffer.write(orjson.dumps(found, default=str, option=orjson.OPT_APPEND_NEWLINE))
    else:
        await deleted(store, lock, arguments.session, await store.owner(arguments.session))


async def _list(store: RedisSessionStore) -> None:
    """The one used last at the end."""
    for user in await store.users():
        for session in await store.sessions(user):
            used = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(session.updated))
            print(f"{used}  {session.id}" + (f"  {user}" if user != session.id else ""))


def _parser() -> argparse.ArgumentParser:
    root = argparse.ArgumentParser(prog="talk sessions", description="Conversations that are kept in Redis.")
    root.add_argument("agent", metavar="AGENT", help="name of the agent")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("list", help="all sessions of the agent, the one used last at the end")
    for name, told in (
        ("show", "what was said"),
        ("export", "everything that is kept, as JSON"),
        ("delete", "remove everything that is kept"),
    ):
        commands.add_parser(name, help=told).add_argument("session", metavar="SESSION")
    return root


def _told(lines: Sequence[str], code: int) -> int:
    for line in lines:
        print(f"talk sessions: {line}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
