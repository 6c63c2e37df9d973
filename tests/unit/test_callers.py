"""Callers and their sessions, through the real gateway and real agents: whose is whose, and who is refused."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from talk_agent.app import create_app as create_agent
from talk_agent.dependencies import read_dependencies
from talk_agent.settings import Settings as AgentSettings
from talk_gateway.app import create_app as create_gateway
from talk_gateway.deps import build_deps
from talk_gateway.settings import read
from talk_kit.api_keys import ApiKey, encode_keys, hash_of, new_key
from talk_kit.identity import HEADER, Identity, Signer, new_keys
from talk_kit.settings import load
from tests.fakes import llm as fake
from tests.fakes.llm import FakeLlm
from tests.fakes.serving import serve, serve_all
from tests.fakes.valkey import Valkey, valkey

pytestmark = pytest.mark.loopback

ALICE, BOB = new_key(), new_key()
PRIVATE, PUBLIC = new_keys()


@dataclass
class Talk:
    client: httpx.AsyncClient
    llm: FakeLlm
    agents: dict[str, str]

    async def say(self, key: str, agent: str = "planner", session: str = "s1", **headers: str) -> httpx.Response:
        return await self.client.post(
            f"/v1/agents/{agent}/chat",
            json={"message": "Hello", "session_id": session},
            headers={"Authorization": f"Bearer {key}", **headers},
        )

    async def straight(self, agent: str, token: str, session: str = "s1") -> httpx.Response:
        return await self.client.post(
            f"{self.agents[agent]}/v1/agents/{agent}/chat",
            json={"message": "Hello", "session_id": session},
            headers={HEADER: token} if token else {},
        )


@asynccontextmanager
async def talk(folder: Path, server: Valkey | None = None) -> AsyncIterator[Talk]:
    """planner, whose tool is guide, and guide, behind a gateway that asks for keys."""
    (folder / "identity.pem").write_bytes(PRIVATE)
    (folder / "identity.pub").write_bytes(PUBLIC)
    keys = (ApiKey("alice", hash_of(ALICE)), ApiKey("bob", hash_of(BOB)))
    (folder / "keys.json").write_bytes(encode_keys(keys))
    async with AsyncExitStack() as stack:
        llm = await stack.enter_async_context(FakeLlm())
        (relayed,) = await stack.enter_async_context(serve_all(relay := _Relay()))
        apps = [_agent(folder, llm, name, relayed, server) for name in ("planner", "guide")]
        urls = dict(zip(("planner", "guide"), await stack.enter_async_context(serve_all(*apps)), strict=True))
        settings = read(
            {
                "TALK_AGENTS": ",".join(f"{name}={url}" for name, url in urls.items()),
                "TALK_AUTH_MODE": "apiKey",
                "TALK_AUTH_FILE": str(folder / "keys.json"),
                "TALK_IDENTITY_FILE": str(folder / "identity.pem"),
            }
        )
        url = await stack.enter_async_context(serve(create_gateway(settings, build_deps(settings))))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=30))
        relay.client = client
        yield Talk(client, llm, urls)


class _Relay:
    """The gateway's address before there is a gateway: agents are told it when they start."""

    client: httpx.AsyncClient

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = [(name, value) for name, value in scope["headers"] if name not in (b"host", b"content-length")]
        answer = await self.client.request(scope["method"], scope["path"], content=body, headers=headers)
        await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.headers.raw})
        await send({"type": "http.response.body", "body": answer.content})


def _agent(folder: Path, llm: FakeLlm, name: str, gateway: str, server: Valkey | None) -> Any:
    spec: dict[str, Any] = {"instruction": name, "model": {"name": "openai/m", "baseURL": llm.url}}
    if name == "planner":
        spec["tools"] = [{"agent": {"name": "guide"}}]
    document = {"apiVersion": "talk.dwani.ai/v1alpha1", "kind": "TalkAgent", "metadata": {"name": name}, "spec": spec}
    file = folder / f"{name}.yaml"
    file.write_bytes(orjson.dumps(document))
    environ = {
        "TALK_AGENT_FILE": str(file),
        "TALK_GATEWAY_URL": gateway,
        "TALK_IDENTITY_PUBLIC_FILE": str(folder / "identity.pub"),
        **({"TALK_REDIS_URL": server.url} if server else {}),
    }
    settings = load(AgentSettings, environ)
    return create_agent(settings, read_dependencies(settings, environ))


@pytest.mark.parametrize("kept_in", ["memory", "redis"])
async def test_one_callers_session_is_of_no_use_to_another(tmp_path: Path, kept_in: str) -> None:
    with valkey() as server:
        async with talk(tmp_path, server if kept_in == "redis" else None) as running:
            running.llm.script(fake.reply("One."), fake.reply("Two."))
            first = await running.say(ALICE, **{"Idempotency-Key": "k"})
            assert first.status_code == 200
            for headers in ({}, {"Idempotency-Key": "k"}):
                taken = await running.say(BOB, **headers)
                assert (taken.status_code, taken.json()["code"]) == (404, "not_found")
                assert "One." not in taken.text
            again = await running.say(ALICE, **{"Idempotency-Key": "k"})
            assert again.json()["reply"] == "One."
            assert (await running.say(ALICE)).json()["reply"] == "Two."
            assert len(running.llm.requests) == 2
            said = [message["content"] for message in running.llm.requests[-1].json["messages"]]
            assert said[1:] == ["Hello", "One.", "Hello"]


async def test_an_agent_keeps_and_removes_a_session_for_its_caller_only(tmp_path: Path) -> None:
    signer = Signer(PRIVATE)
    with valkey() as server:
        async with talk(tmp_path, server) as running:
            running.llm.script(fake.reply("One."))
            await running.say(ALICE)
            where = f"{running.agents['planner']}/v1/agents/planner/sessions/s1"

            def identity(caller: str, session: str = "s1") -> dict[str, str]:
                return {HEADER: signer.sign(Identity(caller, "planner", session), time.time())}

            for method in ("GET", "DELETE"):
                assert (await running.client.request(method, where)).status_code == 401
                assert (await running.client.request(method, where, headers=identity("key:bob"))).status_code == 404
                other = await running.client.request(method, where, headers=identity("key:alice", "s2"))
                assert other.status_code == 401
            assert (await running.client.get(where, headers=identity("key:alice"))).json()["session_id"] == "s1"
            assert (await running.client.delete(where, headers=identity("key:alice"))).status_code == 204
            with server.client() as client:
                assert client.keys("*s1*") == []


async def test_an_agent_refuses_whoever_did_not_come_through_the_gateway(tmp_path: Path) -> None:
    own, stranger, now = Signer(PRIVATE), Signer(new_keys()[0]), time.time()
    alice = Identity("key:alice", "planner", "s1")
    async with talk(tmp_path) as running:
        forged = [
            "",
            "x",
            stranger.sign(alice, now),
            own.sign(alice, now - 600),
            own.sign(Identity("key:alice", "guide", "s1"), now),
            own.sign(Identity("key:alice", "planner", "s2"), now),
        ]
        for token in forged:
            refused = await running.straight("planner", token)
            assert (refused.status_code, refused.json()["code"]) == (401, "unauthenticated")
        assert running.llm.requests == []
        assert (await running.client.get(f"{running.agents['planner']}/ready")).status_code in (200, 503)


async def test_an_agent_asks_another_in_its_callers_name(tmp_path: Path) -> None:
    with valkey() as server:
        async with talk(tmp_path, server) as running:
            asks = fake.tool_call("ask_guide", orjson.dumps({"message": "Where?"}).decode(), id_="c")
            running.llm.script(asks, fake.reply("Here."), fake.reply("Go there."))
            assert (await running.say(ALICE)).json()["reply"] == "Go there."
            with server.client() as client:
                assert client.get("talk:1:{guide}:owner:s1.planner") == b"key:alice"
            assert (await running.say(BOB, agent="guide", session="s1.planner")).status_code == 404


async def test_what_an_agent_was_given_reaches_no_further(tmp_path: Path) -> None:
    own, now = Signer(PRIVATE), time.time()
    given = {HEADER: own.sign(Identity("key:alice", "planner", "s1"), now)}
    deep = {HEADER: own.sign(Identity("key:alice", "planner", "s1", ("a", "b", "c")), now)}
    around = {HEADER: own.sign(Identity("key:alice", "planner", "s1", ("guide",)), now)}
    forged = {HEADER: Signer(new_keys()[0]).sign(Identity("key:alice", "planner", "s1"), now)}
    async with talk(tmp_path) as running:
        body = {"message": "Hello", "session_id": "s1.planner"}
        for headers, session, status in [
            (given, "s1", 403),
            (given, "s2.planner", 403),
            (deep, "s1.planner", 400),
            (around, "s1.planner", 400),
            (forged, "s1.planner", 401),
            (given, "s1.planner", 200),
        ]:
            answer = await running.client.post(
                "/v1/agents/guide/chat", json={**body, "session_id": session}, headers=headers
            )
            assert answer.status_code == status, (session, answer.text)
        assert (await running.client.post("/v1/chat", json={"text": "Hello"}, headers=given)).status_code == 403
        assert (await running.client.get("/v1/agents", headers=given)).status_code == 200
        assert (await running.client.get("/v1/agents", headers=forged)).status_code == 401
