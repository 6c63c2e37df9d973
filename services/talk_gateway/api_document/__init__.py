"""The gateway's OpenAPI document: written by hand, served at `/openapi.json`, checked against the code by tests."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_gateway.api_document.answers import HEADERS, PROBLEMS
from talk_gateway.api_document.paths import PARAMETERS, PATHS
from talk_gateway.api_document.schemas import SCHEMAS

PATH = "/openapi.json"
METRICS = "/metrics"
DESCRIPTION = (
    "Voice and chat agents. Credentials are asked for only where the operator of Talk has set it so. "
    "A stream that has begun keeps its status 200, and says in `turn.failed` what went wrong."
)


def document(*, metrics: bool) -> dict[str, Any]:
    """The document; `metrics` is whether `/metrics` is served on this port."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Talk",
            "version": version("talk"),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [
            {"name": "turns", "description": "One utterance and its reply."},
            {"name": "agents", "description": "Who can be talked to."},
            {"name": "operation", "description": "For probes, monitoring and tools; never locked."},
        ],
        "paths": {path: item for path, item in PATHS.items() if metrics or path != METRICS},
        "components": {
            "schemas": SCHEMAS,
            "parameters": PARAMETERS,
            "headers": HEADERS,
            "responses": PROBLEMS,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "An API key, or an OpenID token."},
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def document_route(*, metrics: bool) -> Route:
    """Serves the document, made once."""
    body = orjson.dumps(document(metrics=metrics))

    async def show(_request: Request) -> Response:
        headers = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        return Response(body, media_type="application/json", headers=headers)

    return Route(PATH, show)
