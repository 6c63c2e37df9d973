"""The public keys that an issuer of tokens publishes, cached, and asked for anew when they are out of date."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import TalkError, Unavailable
from talk_kit.http_client import HttpPool
from talk_kit.logs import get_logger

log = get_logger(__name__)

# Seconds: how old keys get while all goes well, how soon anything is asked for again, how long one answer may take.
FRESH_SECONDS = 600.0
PAUSE_SECONDS = 10.0
ANSWER_SECONDS = 3.0
MOST_BYTES = 1 << 18
MOST_KEYS = 64
# Secret keys (`oct`) are none that anyone could publish.
KINDS = ("RSA", "EC", "OKP")


class SigningKeys:
    """Keys by id. `address` is the JWK Set, or None where `issuer` says in its discovery document."""

    def __init__(self, issuer: str, address: str | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._issuer = issuer
        self._address = address
        self._clock = clock
        self._pool: HttpPool | None = None
        self._keys: dict[str, Key] = {}
        self._asked_at: float | None = None
        self._known = False
        self._lock = asyncio.Lock()

    async def find(self, kid: str) -> Key | None:
        """The key. An id that is not known is asked for at most every PAUSE_SECONDS, whoever invents how many.

        Unavailable where no keys were ever had.
        """
        if kid not in self._keys:
            await self._refresh()
        if not self._known:
            raise Unavailable("Tokens cannot be checked now: their issuer does not answer.")
        return self._keys.get(kid)

    async def check(self) -> None:
        """Raises Unavailable where no keys were had yet."""
        if not self._known:
            await self._refresh()
        if not self._known:
            raise Unavailable("The issuer of tokens has not answered yet.")

    @asynccontextmanager
    async def running(self, pool: HttpPool) -> AsyncIterator[None]:
        """Renews the keys inside this block: one that the issuer has taken back ends too."""
        self._pool = pool
        task = asyncio.create_task(self._renew(), name="oidc-keys")
        try:
            yield
        finally:
            await cancel_and_wait(task)

    async def _renew(self) -> None:
        while True:
            await self._refresh()
            await asyncio.sleep(FRESH_SECONDS if self._known else PAUSE_SECONDS)

    async def _refresh(self) -> None:
        """One at a time. Whoever waited finds the answer of the one before."""
        async with self._lock:
            now = self._clock()
            if self._asked_at is not None and now - self._asked_at < PAUSE_SECONDS:
                return
            self._asked_at = now
            try:
                async with asyncio.timeout(ANSWER_SECONDS):
                    self._keys = _keys(await self._json(self._address or await self._discovered()))
                    self._known = True
            except (TalkError, TimeoutError, ValueError, LookupError, TypeError) as error:
                log.warning("oidc_keys_not_read", kind=type(error).__name__)

    async def _discovered(self) -> str:
        document = await self._json(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        if document["issuer"] != self._issuer:
            raise ValueError("another issuer's document")
        return str(document["jwks_uri"])

    async def _json(self, url: str) -> Any:
        assert self._pool is not None, "asked outside of `running`"
        answer = await self._pool.request("GET", url, target="The issuer of tokens", max_bytes=MOST_BYTES)
        if answer.status_code != 200:
            raise ValueError("no answer of 200")
        return orjson.loads(answer.content)


def _keys(document: Any) -> dict[str, Key]:
    """Those that may sign; what cannot be read is left out. A key without an id goes by ''."""
    found: dict[str, Key] = {}
    for each in document["keys"][:MOST_KEYS]:
        if not isinstance(each, dict) or each.get("kty") not in KINDS or each.get("use", "sig") != "sig":
            continue
        try:
            found[str(each.get("kid", ""))] = JWKRegistry.import_key(each)
        except (JoseError, ValueError, TypeError, KeyError):
            log.warning("oidc_key_not_read")
    return found
