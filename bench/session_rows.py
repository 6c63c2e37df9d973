"""What `bench.sessions` measures, row by row."""

from __future__ import annotations

import asyncio
import gc
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import redis.asyncio
from google.adk.errors._stale_session_error import StaleSessionError
from google.adk.events.event import Event
from google.adk.events.event_actions import EventActions
from google.adk.integrations.redis import RedisSessionService as AdkRedisSessionService
from google.adk.sessions.base_session_service import BaseSessionService, GetSessionConfig
from google.genai import types

from bench.processes import Child
from bench.processes import server as process
from talk_agent.sessions.adk_service import RedisSessionService
from talk_agent.sessions.port import Append, Turn
from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.valkey import Valkey

SERVICES = ("talk", "adk-redis")
WRITERS = 20
RECENT_EVENTS = 40
TEXT = "It is warm and dry today, with a light wind from the west in the afternoon. " * 2
SHORT_TURNS, LONG_TURNS = 5, 500
AGENT = "assistant"


@asynccontextmanager
async def _service(server: Valkey, name: str) -> AsyncIterator[BaseSessionService]:
    if name == "talk":
        own = RedisServer(server.address)
        yield RedisSessionService(own, ttl=3600.0)
        await own.close()
    else:
        async with redis.asyncio.Redis(unix_socket_path=server.socket, decode_responses=True) as client:
            yield AdkRedisSessionService(redis_client=client)


def _event(**state: Any) -> Event:
    content = types.Content(role="user", parts=[types.Part(text=TEXT)])
    return Event(author="user", invocation_id="i", content=content, actions=EventActions(state_delta=state))


def _turn() -> Turn:
    said = types.Content(role="model", parts=[types.Part(text=TEXT)])
    return (_event(), Event(author=AGENT, invocation_id="i", content=said))


async def lengths(server: Valkey, sizes: Sequence[int], rounds: int) -> AsyncIterator[dict[str, Any]]:
    """An append and a load by stored events. ADK's appends are of a session object that holds all events."""
    for name in SERVICES:
        async with _service(server, name) as service:
            for size in sizes:
                yield await _length(server, service, name, size, rounds)


async def _length(server: Valkey, service: BaseSessionService, name: str, size: int, rounds: int) -> dict[str, Any]:
    where = {"app_name": "bench", "user_id": name, "session_id": f"{size}"}
    async with redis.asyncio.Redis(unix_socket_path=server.socket) as client:
        await client.flushall()
    session = await service.create_session(**where)  # type: ignore[arg-type]
    if name == "talk":
        for _ in range(size):
            await service.append_event(session, _event())
    else:  # each of its appends writes the whole session: the first ones are stored at once
        session.events = [_event() for _ in range(size - 1)]
        async with redis.asyncio.Redis(unix_socket_path=server.socket) as client:
            await client.set(service._session_key(*where.values()), session.model_dump_json())  # type: ignore[attr-defined]
        await service.append_event(session, _event())
    config = GetSessionConfig(num_recent_events=RECENT_EVENTS)
    rounds = max(3, min(rounds, 100_000 // size)) if name != "talk" else rounds
    load = await _p50(rounds, lambda: service.get_session(**where, config=config))
    stored = await _bytes(server)
    append = await _p50(rounds, lambda: service.append_event(session, _event()))
    return {"service": name, "events": size, "append_ms": append, "load_ms": load, "bytes": stored}


async def _p50(rounds: int, work: Callable[[], Awaitable[Any]]) -> float:
    taken = []
    gc.collect()
    for _ in range(rounds):
        begun = time.perf_counter()
        await work()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


async def _bytes(server: Valkey) -> int:
    """Of all keys, but those of the database itself."""
    total = 0
    async with redis.asyncio.Redis(unix_socket_path=server.socket) as client:
        async for key in client.scan_iter(match="*bench*", count=1000):
            total += await client.memory_usage(key, samples=0) or 0
    return total


async def writers(server: Valkey, name: str) -> dict[str, Any]:
    """Twenty handles write at once, and try again where they are told that they are stale: what is not there after?"""
    app = f"writers-{name}"
    async with _service(server, name) as service:
        await service.create_session(app_name=app, user_id="u", session_id="s")

        async def append(number: int) -> None:
            while True:
                session = await service.get_session(app_name=app, user_id="u", session_id="s")
                assert session is not None
                try:
                    await service.append_event(session, _event(**{f"user:k{number}": number}))
                except StaleSessionError:
                    continue
                return

        begun = time.perf_counter()
        outcomes = await asyncio.gather(*(append(number) for number in range(WRITERS)), return_exceptions=True)
        taken = time.perf_counter() - begun
        failed = sum(isinstance(outcome, BaseException) for outcome in outcomes)
        read = await service.get_session(app_name=app, user_id="u", session_id="s")
        assert read is not None
        keys = await service.get_user_state(app_name=app, user_id="u")
    return {
        "service": name,
        "told_failed": failed,
        "lost_events": WRITERS - failed - len(read.events),
        "lost_user_keys": WRITERS - failed - len(keys),
        "seconds": taken,
    }


async def turn_cpu(server: Valkey, folder: Path, turns: int) -> dict[str, Any]:
    """CPU of the agent process for a turn in sessions with few and with many stored events, one turn in each."""
    own = RedisServer(server.address)
    store = RedisSessionStore(own, AGENT, ttl=3600.0, answer_ttl=3600.0)
    file = folder / "agent.yaml"
    head = {"apiVersion": "talk.dwani.ai/v1alpha1", "kind": "TalkAgent", "metadata": {"name": AGENT}}
    file.write_bytes(orjson.dumps({**head, "spec": {"instruction": "Answer."}}))
    # Twice: the first turns warm both ways up, and are not counted.
    names = {
        kind: [f"{kind}-{at}" for at in range(turns)] for kind in ("warm-up-short", "short", "warm-up-long", "long")
    }
    for kind, sessions in names.items():
        for session in sessions:
            await _fill(store, session, LONG_TURNS if kind.endswith("long") else SHORT_TURNS)
    async with FakeLlm() as llm, httpx.AsyncClient(timeout=30) as client:
        llm.default = fake.reply(TEXT)
        environ = {
            "TALK_AGENT_FILE": str(file),
            "TALK_MODEL": "openai/m",
            "TALK_BASE_URL": llm.url,
            "TALK_API_KEY": "sk-bench",
            "TALK_REDIS_URL": server.url,
            "TALK_LOG_LEVEL": "warning",
        }
        async with _in_thread(process("agent", "talk_agent", folder, env=environ)) as agent:
            spent: dict[str, float] = {}
            for kind, sessions in names.items():
                before = agent.cpu_seconds()
                for session in sessions:
                    body = {"message": TEXT, "session_id": session}
                    (await client.post(f"{agent.url}/v1/agents/{AGENT}/chat", json=body)).raise_for_status()
                spent[kind] = (agent.cpu_seconds() - before) * 1000 / turns
    await own.close()
    return {"short_ms": spent["short"], "long_ms": spent["long"], "ratio": spent["long"] / spent["short"]}


@asynccontextmanager
async def _in_thread(running: AbstractContextManager[Child]) -> AsyncIterator[Child]:
    """Its start waits for answers of this event loop."""
    child = await asyncio.to_thread(running.__enter__)
    try:
        yield child
    finally:
        await asyncio.to_thread(running.__exit__, None, None, None)


async def _fill(store: RedisSessionStore, session: str, turns: int) -> None:
    for version in range(turns):
        await store.append(session, Append(_turn(), id=f"t{version}"), version=version)


async def memory(server: Valkey, sessions: int) -> dict[str, Any]:
    """Of sessions of ten turns that live for a while, and what is left when they have ended."""
    own = RedisServer(server.address)
    async with redis.asyncio.Redis(unix_socket_path=server.socket) as client:
        await client.flushall()
        empty = int((await client.info("memory"))["used_memory"])
        store = RedisSessionStore(own, "memory", ttl=600.0, answer_ttl=600.0)
        for first in range(0, sessions, 50):
            await asyncio.gather(*(_fill(store, f"{first + at:032x}", 10) for at in range(50)))
        full = int((await client.info("memory"))["used_memory"])
        # Their time to live is cut short, and passes.
        async for key in client.scan_iter(match="talk:1:*", count=1000):
            await client.pexpire(key, 1)
        async with asyncio.timeout(60):
            while await client.dbsize() > 1:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.1)
        left = int((await client.info("memory"))["used_memory"])
    await own.close()
    return {
        "sessions": sessions,
        "bytes_per_session": (full - empty) / sessions,
        "left_percent": 100 * max(0, left - empty) / (full - empty),
    }
