"""Requests that no honest client sends, over real sockets: none is a 500, reaches another agent, or is held."""

from __future__ import annotations

import asyncio
import gzip
from urllib.parse import urlsplit

import orjson
import pytest

from tests.fakes.speech import speech_wav
from tests.unit.talk_gateway import hostile
from tests.unit.talk_gateway.conftest import Gateway, StartGateway

pytestmark = pytest.mark.loopback

BOUND = 30.0
JSON = "Content-Type: application/json"
UPLOAD = "/v1/speech_to_speech"
FORM = "Content-Type: multipart/form-data; boundary=b"
PART = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
# So fast a body must come that one which stops is behind at once, after the grace that a test shortens.
IMPATIENT = {"TALK_UPLOAD_TIMEOUT": "1"}


async def raw(gateway: Gateway, *parts: bytes) -> bytes:
    """All that the server says to these bytes until it closes."""
    at = urlsplit(str(gateway.client.base_url))
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
        return await asyncio.wait_for(reader.read(-1), BOUND)
    finally:
        writer.close()


def post(path: str, *headers: str, body: bytes = b"") -> bytes:
    """A request as bytes: clients would tidy its path."""
    head = "\r\n".join([f"POST {path} HTTP/1.1", "Host: x", *headers])
    return head.encode() + b"\r\n\r\n" + body


def said(path: str, *headers: str, body: bytes = b'{"message": "Hi"}') -> bytes:
    """A request with its length, on a connection that ends with it."""
    return post(path, JSON, "Connection: close", f"Content-Length: {len(body)}", *headers, body=body)


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def asked(gateway: Gateway) -> list[str]:
    """Agents that were asked, as they were called."""
    return [each["agent"] for agent in gateway.other_agents.values() for each in agent.asked]


async def test_the_requests_below_are_right_but_for_what_is_wrong_with_them(gateway: Gateway) -> None:
    assert status(await raw(gateway, said("/v1/agents/assistant/chat"))) == 200
    assert status(await raw(gateway, said("/v1/agents/%61ssistant/chat"))) == 200
    assert asked(gateway) == ["assistant", "assistant"]


@pytest.mark.parametrize("name", hostile.IN_PATHS)
async def test_no_path_reaches_another_agent_or_route(gateway: Gateway, name: str) -> None:
    answer = await raw(gateway, said(f"/v1/agents/{name}/chat"))
    assert status(answer) in (400, 404, 405), answer
    assert b"problem+json" in answer
    assert asked(gateway) == []


@pytest.mark.parametrize("name", hostile.IN_BODIES)
async def test_no_agent_name_reaches_another_agent(gateway: Gateway, name: str) -> None:
    answer = await gateway.client.post("/v1/chat", json={"text": "Hi", "mode": "agent", "agent_name": name})
    assert (answer.status_code, answer.json()["code"]) in ((404, "unknown_agent"), (400, "invalid_request"))
    assert asked(gateway) == []


WRONG_JSON = {
    "deep lists": b'{"text": ' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "deep objects": b'{"a":' * 9_000 + b"1" + b"}" * 9_000,
    "no UTF-8": b'{"text": "\xff"}',
    "overlong UTF-8": b'{"text": "\xc0\xae"}',
    "a surrogate": b'{"text": "\xed\xa0\x80"}',
    "half an escaped surrogate": b'{"text": "\\ud800"}',
    "NUL": b'{"text": "a\\u0000b"}',
    "escape": b'{"text": "a\\u001bb"}',
    "a session of two lines": b'{"text": "Hi", "session_id": "a\\nb"}',
    "NaN": b'{"text": NaN}',
    "infinity": b'{"text": 1e999999}',
    "a long number": b'{"text": ' + b"9" * 30_000 + b"}",
    "UTF-16": '{"text": "Hi"}'.encode("utf-16"),
    "a byte": b"\x00",
    "gzip": gzip.compress(b'{"text": "Hi"}', mtime=0),
}


@pytest.mark.parametrize("body", WRONG_JSON.values(), ids=WRONG_JSON)
async def test_deep_broken_and_compressed_json_is_invalid(gateway: Gateway, body: bytes) -> None:
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    answer = await gateway.client.post("/v1/chat", content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")
    assert asked(gateway) == []


async def test_a_compressed_body_is_not_unpacked(gateway: Gateway) -> None:
    """A million times its size; what counts is what came."""
    bomb = gzip.compress(b'{"text": "' + b"a" * 50_000_000 + b'"}')
    assert len(bomb) < 60_000
    answer = await gateway.client.post("/v1/chat", content=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 400


@pytest.mark.parametrize(
    ("path", "length"), [("/v1/chat", 200_000), ("/v1/agents/assistant/chat", 200_000), (UPLOAD, 27_000_000)]
)
async def test_a_body_over_its_size_is_refused_declared_or_not(gateway: Gateway, path: str, length: int) -> None:
    kind, begin = (FORM, PART) if path == UPLOAD else (JSON, b'{"text": "')
    body = begin + b"a" * length
    declared = post(path, kind, "Connection: close", f"Content-Length: {len(body)}", body=body)
    chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    chunked = post(path, kind, "Connection: close", "Transfer-Encoding: chunked", body=chunk)
    for each in (declared, chunked):
        assert status(await raw(gateway, each)) == 413


@pytest.mark.parametrize("begin", [b"", PART, PART + b"RIFF"])
async def test_an_upload_that_stops_is_ended_with_its_connection(start_gateway: StartGateway, begin: bytes) -> None:
    async with start_gateway(**IMPATIENT) as gateway:
        answer = await raw(gateway, post(UPLOAD, FORM, "Content-Length: 1000", body=begin))
    assert status(answer) == 408
    assert b"connection: close" in answer.lower()
    assert orjson.loads(answer.partition(b"\r\n\r\n")[2])["code"] == "slow_request"


@pytest.mark.parametrize(
    "header",
    [
        "X-Session-ID: \xff",
        "X-Session-ID: a\tb",
        "X-Session-ID: " + "a" * 200,
        "Idempotency-Key: " + "a" * 2000,
        "X-Request-Timeout: nan",
        "X-Talk-Call-Path: " + "a," * 1000,
    ],
)
async def test_a_header_that_cannot_be_used_is_invalid(gateway: Gateway, header: str) -> None:
    lines = post("/v1/agents/assistant/chat", JSON, "Connection: close", "Content-Length: 17").removesuffix(b"\r\n")
    answer = await raw(gateway, lines + header.encode("latin-1") + b'\r\n\r\n{"message": "Hi"}')
    assert status(answer) == 400
    assert asked(gateway) == []


async def test_a_request_id_of_any_bytes_comes_back_as_one_of_ours(gateway: Gateway) -> None:
    answer = await raw(gateway, said("/v1/agents/assistant/chat", "X-Request-ID: a b%0d%0aSet-Cookie: a=b"))
    assert status(answer) == 200
    assert b"set-cookie" not in answer.lower()


async def test_fields_after_a_body_name_no_session(gateway: Gateway) -> None:
    chunks = b'11\r\n{"message": "Hi"}\r\n0\r\nX-Session-ID: of-another\r\n\r\n'
    answer = await raw(
        gateway,
        post("/v1/agents/assistant/chat", JSON, "Connection: close", "Transfer-Encoding: chunked", body=chunks),
    )
    assert status(answer) == 200
    assert b"of-another" not in answer


async def test_any_origin_never_has_credentials(start_gateway: StartGateway) -> None:
    asking = {"Origin": "https://evil.example.com", "Access-Control-Request-Method": "POST", "Cookie": "a=b"}
    async with start_gateway(TALK_CORS_ORIGINS="*") as gateway:
        for method in ("OPTIONS", "GET"):
            answer = await gateway.client.request(method, "/v1/agents", headers=asking)
            assert "access-control-allow-credentials" not in answer.headers
            assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_recording_is_served_beside_many_that_stop(start_gateway: StartGateway) -> None:
    stopped = post(UPLOAD, FORM, "Content-Length: 1000", body=PART)
    async with start_gateway(**IMPATIENT) as gateway:
        held = [asyncio.create_task(raw(gateway, stopped)) for _ in range(100)]
        answer = await gateway.client.post(UPLOAD, files={"file": ("a.wav", speech_wav(0.5), "audio/wav")})
        assert answer.status_code == 200
        assert {status(await each) for each in held} == {408}
