"""Conversations with two agent processes while agents or Redis are killed with -9; then what Redis holds is compared
with what was acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson

from talk_agent.sessions.redis_server import RedisServer
from talk_agent.sessions.redis_store import RedisSessionStore
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm, Request
from tests.fakes.valkey import Valkey, free_port, valkey

DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
# A start takes 2 s of CPU; beside a whole test suite on two cores it has taken more than a minute.
READY_SECONDS = 180.0
AGENT = "assistant"
# A turn is asked for again with its key until it is answered, for so long.
ANSWER_SECONDS = 120.0


@dataclass(frozen=True)
class Outcome:
    """A row of the kill table. `lost` were acknowledged and are not there; `strange` are there and were not."""

    where: str
    kills: int
    acknowledged: int
    found: int
    lost: int
    duplicates: int
    strange: int
    in_order: bool
    repeated_requests: int


@dataclass
class _Agent:
    """One agent process, started again after each kill."""

    folder: Path
    environ: dict[str, str]
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("TALK_", "OPENAI_"))}
        environ |= {**self.environ, "TALK_PORT": str(self.port)}
        with (self.folder / f"{self.port}.log").open("ab") as log:
            command = [sys.executable, "-m", "talk_agent"]
            self.process = subprocess.Popen(command, env=environ, stdout=log, stderr=log)

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait(10)

    async def until_ready(self, client: httpx.AsyncClient) -> None:
        until = time.monotonic() + READY_SECONDS
        while True:
            try:
                if (await client.get(f"{self.url}/ready")).status_code == 200:
                    return
            except httpx.HTTPError:
                pass
            log = self.folder / f"{self.port}.log"
            assert self.process is not None
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            await asyncio.sleep(0.05)


async def storm(where: str, *, sessions: int, turns: int, kills: int, folder: Path, seed: int = 12) -> Outcome:
    """`turns` over `sessions`, with `kills` of `where` ("agent" or "redis") spread over them at random moments."""
    chance = random.Random(seed)
    with valkey(*DURABLE) as server:
        async with FakeLlm() as llm, httpx.AsyncClient(timeout=20) as client:
            llm.default = _echo
            async with _agents(server, llm.url, folder, client) as agents:
                talk = _Talk(agents, client, chance)
                each = turns // sessions
                moments = sorted(chance.sample(range(1, turns - 1), kills))
                async with asyncio.TaskGroup() as tasks:
                    for number in range(sessions):
                        tasks.create_task(talk.converse(f"session-{number}", each))
                    tasks.create_task(_killing(where, moments, talk, agents, server, client))
        return await _compare(where, kills, talk, server)


@asynccontextmanager
async def _agents(server: Valkey, llm_url: str, folder: Path, client: httpx.AsyncClient) -> AsyncIterator[list[_Agent]]:
    file = folder / "agent.yaml"
    spec = {"instruction": "Answer.", "limits": {"concurrentTurns": 100}}
    kind = {"apiVersion": "talk.dwani.ai/v1alpha1", "kind": "TalkAgent", "metadata": {"name": AGENT}, "spec": spec}
    file.write_bytes(orjson.dumps(kind))
    environ = {
        "TALK_AGENT_FILE": str(file),
        "TALK_HOST": "127.0.0.1",
        "TALK_MODEL": "openai/m",
        "TALK_BASE_URL": llm_url,
        "TALK_API_KEY": "sk-test",
        "TALK_REDIS_URL": server.url,
        "TALK_SESSION_LEASE_SECONDS": "1",
        "TALK_LOG_LEVEL": "warning",
    }
    agents = [_Agent(folder, environ) for _ in range(2)]
    try:
        for agent in agents:
            agent.start()
        await asyncio.gather(*(agent.until_ready(client) for agent in agents))
        yield agents
    finally:
        for agent in agents:
            agent.kill()


class _Talk:
    """Asks until it is answered, as a client with an idempotency key may."""

    def __init__(self, agents: list[_Agent], client: httpx.AsyncClient, chance: random.Random) -> None:
        self.answered: dict[str, list[tuple[str, str]]] = {}
        self.count = 0
        self.repeated = 0
        self.progress = asyncio.Condition()
        self._agents = agents
        self._client = client
        self._chance = chance

    async def converse(self, session: str, turns: int) -> None:
        said = self.answered.setdefault(session, [])
        for number in range(turns):
            question = f"{session} question {number}"
            said.append((question, await self._answer(session, question)))
            async with self.progress:
                self.count += 1
                self.progress.notify_all()

    async def _answer(self, session: str, question: str) -> str:
        body = {"message": question, "session_id": session}
        refusals: Counter[str] = Counter()
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            agent = self._chance.choice(self._agents)
            try:
                response = await self._client.post(
                    f"{agent.url}/v1/agents/{AGENT}/chat", json=body, headers={"Idempotency-Key": question}
                )
            except httpx.HTTPError as error:
                refusals[type(error).__name__] += 1
            else:
                if response.status_code == 200:
                    return str(response.json()["reply"])
                refusals[f"{response.status_code} {response.json()['detail']}"] += 1
            assert time.monotonic() < until, f"{question}: {refusals}"
            self.repeated += 1
            await asyncio.sleep(0.05)


async def _killing(
    where: str, moments: list[int], talk: _Talk, agents: list[_Agent], server: Valkey, client: httpx.AsyncClient
) -> None:
    """An agent is killed while another one serves: with all of them starting, questions wait for a start, whose length
    says more about the machine than about what is kept.
    """
    for number, moment in enumerate(moments):
        async with talk.progress:
            await talk.progress.wait_for(lambda moment=moment: talk.count >= moment)  # type: ignore[misc]
        if where == "redis":
            await asyncio.to_thread(server.kill)
            await asyncio.to_thread(server.start)
        else:
            agent, other = agents[number % len(agents)], agents[(number + 1) % len(agents)]
            await other.until_ready(client)
            await asyncio.to_thread(agent.kill)
            agent.start()


async def _compare(where: str, kills: int, talk: _Talk, server: Valkey) -> Outcome:
    reader = RedisServer(server.address)
    store = RedisSessionStore(reader, AGENT, ttl=3600.0, answer_ttl=3600.0)
    found: dict[str, list[tuple[str, str]]] = {}
    for session in talk.answered:
        loaded = await store.load(session, 1_000_000)
        found[session] = [(_text(turn[0]), _text(turn[-1])) for turn in loaded.turns]
    await reader.close()
    acknowledged = Counter(turn for turns in talk.answered.values() for turn in turns)
    stored = Counter(turn for turns in found.values() for turn in turns)
    return Outcome(
        where=where,
        kills=kills,
        acknowledged=acknowledged.total(),
        found=stored.total(),
        lost=(acknowledged - stored).total(),
        duplicates=sum(count - 1 for count in stored.values()),
        strange=len(stored.keys() - acknowledged.keys()),
        in_order=found == talk.answered,
        repeated_requests=talk.repeated,
    )


def _text(event: object) -> str:
    return "".join(part.text or "" for part in event.content.parts)  # type: ignore[attr-defined]


def _echo(request: Request) -> fake.Answer:
    """A reply that only this question gets, in a few pieces, so that kills find turns under way."""
    asked = request.json["messages"][-1]["content"]
    words = [step for word in (f"You said: {asked}").split(" ") for step in (fake.text(f"{word} "), fake.pause(0.005))]
    return fake.streamed(fake.ROLE, *words, *fake.end())
