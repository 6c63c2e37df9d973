"""`auth.mode: apiKey`: callers by the keys of a file, which is looked at again every few seconds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from starlette.datastructures import Headers

from talk_gateway.auth.authenticator import credential
from talk_gateway.auth.caller import Caller
from talk_kit.api_keys import MOST_BYTES, ApiKey, InvalidKeys, find, parse_keys
from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import Unauthenticated, Unavailable
from talk_kit.health import Check
from talk_kit.http_client import HttpPool
from talk_kit.logs import get_logger

log = get_logger(__name__)

# The kubelet brings a changed Secret within some 90 s; this adds little to it.
POLL_SECONDS = 5.0


def utc_now() -> datetime:
    """The time of day."""
    return datetime.now(UTC)


class KeyFile:
    """The keys of `path` as they were last readable. A file that breaks later changes nothing, and is told of."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = utc_now, poll: float = POLL_SECONDS) -> None:
        """InvalidKeys where the file cannot be used."""
        self._path = path
        self._clock = clock
        self._poll = poll
        self._raw = self._read()
        self._keys = parse_keys(self._raw)
        self._problem = ""

    async def authenticate(self, headers: Headers) -> Caller:
        key = find(self._keys, credential(headers), self._clock())
        if key is None:
            raise Unauthenticated("These credentials are not valid.")
        return _caller(key)

    def checks(self) -> list[Check]:
        """Shown only: the keys that were read still count."""
        return [Check("api-keys", self._probe, required=False)]

    @asynccontextmanager
    async def running(self, pool: HttpPool) -> AsyncIterator[None]:  # noqa: ARG002 - as every Authenticator
        task = asyncio.create_task(self._watch(), name="api-keys")
        try:
            yield
        finally:
            await cancel_and_wait(task)

    def refresh(self) -> None:
        """Takes over the file where it has changed. Contents are compared: a mounted Secret changes by a link."""
        try:
            raw = self._read()
            if raw == self._raw:
                self._problem = ""
                return
            self._keys = parse_keys(raw)
        except InvalidKeys as error:
            if str(error) != self._problem:
                self._problem = str(error)
                log.error("api_keys_unreadable", reason=self._problem)
            return
        self._raw, self._problem = raw, ""
        log.info("api_keys_changed", keys=len(self._keys))

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except OSError as error:
            raise InvalidKeys(f"the file cannot be read ({error.strerror})") from None

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._poll)
            self.refresh()

    async def _probe(self) -> None:
        if self._problem:
            raise Unavailable(f"TALK_AUTH_FILE: {self._problem}; the keys that were read before still count.")


def _caller(key: ApiKey) -> Caller:
    return Caller(f"key:{key.name}", None if key.agents is None else frozenset(key.agents), key.limits)
