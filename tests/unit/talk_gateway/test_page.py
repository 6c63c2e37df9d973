"""What is sent of the page: how long it may be kept, in which encoding, and under which rules."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from talk_gateway.page import accepted_encodings, page_routes
from tests.fakes.serving import serve

SCRIPT = b"export const talk = 'talk'; // " + b"again and again " * 50
STAND_IN_FOR_BROTLI = b"\x1b brotli"  # its content is nobody's business here


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A page of a few files, the script also compressed."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>Talk</title>" + " " * 2000)
    (tmp_path / "manifest.webmanifest").write_text('{"name": "Talk"}')
    (tmp_path / "worker.js").write_text("skipWaiting()")
    (assets / "index-Abc123.js").write_bytes(SCRIPT)
    (assets / "index-Abc123.js.gz").write_bytes(gzip.compress(SCRIPT, mtime=0))
    (assets / "index-Abc123.js.br").write_bytes(STAND_IN_FOR_BROTLI)
    (assets / "icon-Def456.svg").write_text("<svg/>")
    (assets / "index-Abc123.css").write_text("p { color: red }")
    (assets / "index-Abc123.css.gz").write_bytes(gzip.compress(b"p { color: red }", mtime=0))
    async with serve(Starlette(routes=page_routes(tmp_path))) as url, httpx.AsyncClient(base_url=url) as client:
        yield client


async def raw(client: httpx.AsyncClient, path: str, accept: str | None) -> tuple[httpx.Response, bytes]:
    """The answer and the bytes as they travelled."""
    headers = {"Accept-Encoding": accept} if accept is not None else {}
    request = client.build_request("GET", path, headers=headers)
    if accept is None:
        del request.headers["Accept-Encoding"]
    response = await client.send(request, stream=True)
    body = b"".join([chunk async for chunk in response.aiter_raw()])
    await response.aclose()
    return response, body


@pytest.mark.parametrize(
    ("accept", "encodings"),
    [
        ("", []),
        ("identity", []),
        ("gzip", ["gzip"]),
        ("gzip, deflate, br, zstd", ["br", "gzip"]),
        ("BR;Q=1.0, GZIP", ["br", "gzip"]),
        ("br;q=0.5, gzip;q=0.8", ["gzip", "br"]),
        ("br;q=0, gzip", ["gzip"]),
        ("*", ["br", "gzip"]),
        ("*;q=0, gzip;q=0.1", ["gzip"]),
        ("br;q=much, gzip ; q=0.2", ["gzip"]),
        (",,;q=1", []),
    ],
)
def test_the_clients_weights_come_first(accept: str, encodings: list[str]) -> None:
    assert accepted_encodings(accept) == encodings


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("accept", "encoding", "body"),
    [
        ("gzip, deflate, br", "br", STAND_IN_FOR_BROTLI),
        ("gzip", "gzip", gzip.compress(SCRIPT, mtime=0)),
        ("deflate", None, SCRIPT),
        ("br;q=0, gzip;q=0", None, SCRIPT),
        (None, None, SCRIPT),
    ],
)
async def test_an_asset_travels_as_the_client_takes_it(
    client: httpx.AsyncClient, accept: str | None, encoding: str | None, body: bytes
) -> None:
    response, sent = await raw(client, "/assets/index-Abc123.js", accept)
    assert response.status_code == 200
    assert response.headers.get("content-encoding") == encoding
    assert sent[10:] == body[10:]  # the time of a gzip header is its own
    assert response.headers["content-type"].startswith("text/javascript")
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "accept-encoding" in response.headers["vary"].lower()
    assert "script-src 'self'" in response.headers["content-security-policy"]


@pytest.mark.loopback
async def test_an_asset_that_lies_in_one_encoding_only_is_sent_in_that(client: httpx.AsyncClient) -> None:
    response, _ = await raw(client, "/assets/index-Abc123.css", "br, gzip")
    assert response.headers["content-encoding"] == "gzip"
    assert response.headers["content-type"] == "text/css; charset=utf-8"
    plain, _ = await raw(client, "/assets/icon-Def456.svg", "br, gzip")
    assert "content-encoding" not in plain.headers
    assert plain.headers["content-type"] == "image/svg+xml"


@pytest.mark.loopback
async def test_a_known_asset_is_not_sent_again(client: httpx.AsyncClient) -> None:
    first, _ = await raw(client, "/assets/index-Abc123.js", "gzip")
    headers = {"Accept-Encoding": "gzip", "If-None-Match": first.headers["etag"]}
    again = await client.get("/assets/index-Abc123.js", headers=headers)
    assert again.status_code == 304
    assert again.headers["cache-control"] == "public, max-age=31536000, immutable"
    other, _ = await raw(client, "/assets/index-Abc123.js", "identity")
    assert other.headers["etag"] != first.headers["etag"]


@pytest.mark.loopback
async def test_the_page_itself_is_asked_for_every_time_and_never_compressed(client: httpx.AsyncClient) -> None:
    for path, media_type in {
        "/": "text/html; charset=utf-8",
        "/manifest.webmanifest": "application/manifest+json",
    }.items():
        response, _ = await raw(client, path, "br, gzip")
        assert response.status_code == 200
        assert response.headers["content-type"] == media_type
        assert response.headers["cache-control"] == "no-cache"
        assert "content-encoding" not in response.headers
        assert "unsafe-inline" not in response.headers["content-security-policy"]
        assert response.headers["permissions-policy"] == "microphone=(self), camera=(), geolocation=()"


@pytest.mark.loopback
async def test_the_service_worker_is_a_script_that_is_asked_for_every_time(client: httpx.AsyncClient) -> None:
    response, _ = await raw(client, "/worker.js", "br, gzip")
    assert "javascript" in response.headers["content-type"]
    assert response.headers["cache-control"] == "no-cache"
    assert "worker-src 'self'" in response.headers["content-security-policy"]


@pytest.mark.loopback
@pytest.mark.parametrize("path", ["/assets/none.js", "/assets/%2e%2e/index.html", "/assets/%2e%2e/%2e%2e/secret"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, path: str) -> None:
    response, _ = await raw(client, path, "br")
    assert response.status_code == 404


def test_without_a_built_page_there_are_no_routes(tmp_path: Path) -> None:
    assert page_routes(tmp_path) == []
