"""An OpenID Connect issuer: its discovery document, its keys, and tokens as a test wants them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route


@dataclass
class FakeIssuer:
    """`keys` are those that it publishes, by id; `url` is set once it is served."""

    keys: dict[str, Key] = field(default_factory=lambda: {"one": ECKey.generate_key("P-256")})
    url: str = ""
    down: bool = False
    asked: int = 0

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/.well-known/openid-configuration", self._about), Route("/keys", self._keys)])

    async def _about(self, _request: Request) -> Response:
        return JSONResponse({"issuer": self.url, "jwks_uri": f"{self.url}/keys"})

    async def _keys(self, _request: Request) -> Response:
        self.asked += 1
        if self.down:
            return JSONResponse({}, 503)
        return JSONResponse({"keys": [{**key.as_dict(private=False), "kid": kid} for kid, key in self.keys.items()]})

    def token(self, key: Key | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token that is valid, but for what is given; a claim that is None is left out."""
        now = int(time.time())
        kid = next(iter(self.keys))
        said = {"iss": self.url, "aud": "talk", "sub": "alice", "iat": now, "exp": now + 60, **claims}
        said = {name: value for name, value in said.items() if value is not None}
        head = {"alg": "ES256", "kid": kid, **(header or {})}
        return jwt.encode(head, said, key or self.keys[kid], algorithms=[head["alg"]])
