"""A few connections to one Redis server. Whoever is cancelled, or fails, takes the connection down with them.

A connection whose command was not answered to the end would hand its answer to the next caller: another session's
conversation. So a connection is kept only after every answer was read, whatever else happens.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import NoScriptError, ResponseError

from talk_agent.sessions.redis_errors import Lost, Unfit, UnknownSchema, breaks_connection, too_old, translated
from talk_agent.sessions.scripts import Call, Command
from talk_kit.errors import Unavailable
from talk_kit.logs import get_logger
from talk_kit.redis_address import RedisAddress, exchange
from talk_kit.session_keys import SCHEMA, SCHEMA_KEY

log = get_logger(__name__)

CONNECTIONS = 16
ANSWER_SECONDS = 5.0
# After a failed connect nobody tries again for so long, doubled each time up to the last; each wait is drawn anew
# between half and all of it, so that replicas do not come back in step.
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 1.0


class Server(Protocol):
    """What runs commands: a server, or in tests a cluster."""

    async def run(self, *commands: Command | Call) -> list[Any]:
        """The answers, in order. Raises Unavailable with a sentence for people."""
        ...


class RedisServer:
    """At most `size` connections, opened when needed. `random_` draws the pauses (0 to 1)."""

    def __init__(
        self,
        address: RedisAddress,
        *,
        size: int = CONNECTIONS,
        timeout: float = ANSWER_SECONDS,
        random_: Callable[[], float] = random.random,
    ) -> None:
        self.address = address
        self._timeout = timeout
        self._places = asyncio.Semaphore(size)
        self._idle: list[AbstractConnection] = []
        self._pause = _Pause(random_)
        self._warned = False

    async def run(self, *commands: Command | Call) -> list[Any]:
        """All in one round trip. A connection that had died while idle is replaced once: each command may be run
        twice, and is written for it.
        """
        try:
            async with asyncio.timeout(self._timeout):
                async with self._places:
                    while self._idle:
                        connection = self._idle.pop()
                        try:
                            return await self._ask(connection, commands)
                        except Lost:
                            await self._drop_idle()
                    return await self._ask(await self._open(), commands)
        except TimeoutError as error:
            raise translated(error, self.address) from None

    async def close(self) -> None:
        """Closes idle connections."""
        await self._drop_idle()

    async def _drop_idle(self) -> None:
        while self._idle:
            await _close(self._idle.pop())

    async def _ask(self, connection: AbstractConnection, commands: Sequence[Command | Call]) -> list[Any]:
        async with self._kept_if_answered(connection):
            answers = await exchange(connection, [_short(command) for command in commands])
            unknown = [at for at, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            if unknown:
                again = await exchange(connection, [_long(commands[at]) for at in unknown])
                for at, answer in zip(unknown, again, strict=True):
                    answers[at] = answer
            for answer in answers:
                if isinstance(answer, ResponseError):
                    raise answer
            return answers

    @asynccontextmanager
    async def _kept_if_answered(self, connection: AbstractConnection) -> AsyncIterator[None]:
        keep = False
        try:
            yield
            keep = True
        except ResponseError as error:  # all answers were read
            keep = not breaks_connection(error)
            raise translated(error, self.address) from None
        except Exception as error:
            raise translated(error, self.address) from None
        finally:
            if keep:
                self._idle.append(connection)
            else:
                await _close(connection)

    async def _open(self) -> AbstractConnection:
        self._pause.check()
        connection = self.address.connection()
        try:
            await connection.connect()  # type: ignore[no-untyped-call]
            await self._greet(connection)
        except Exception as error:
            await _close(connection)
            found = translated(error, self.address)
            self._pause.failed(found)
            raise found from None
        except BaseException:
            await _close(connection)
            raise
        self._pause.succeeded()
        return connection

    async def _greet(self, connection: AbstractConnection) -> None:
        """Looks at the server before anything is asked of it, and touches nothing."""
        info, schema = await exchange(connection, [("INFO",), ("GET", SCHEMA_KEY)])
        if isinstance(schema, ResponseError):
            raise schema
        found = (schema or SCHEMA.encode()).decode("utf-8", "replace")
        if found != SCHEMA:
            raise UnknownSchema(found, SCHEMA)
        if not isinstance(info, ResponseError):  # a user who may not ask is not refused for it
            self._inspect(_facts(info))

    def _inspect(self, facts: dict[str, str]) -> None:
        version = facts.get("redis_version", "")
        if too_old(version):
            raise Unfit(f"Redis at {self.address} is version {version}; Talk needs 7.0 or newer, or Valkey.")
        if facts.get("role") == "slave":
            raise Unfit(f"Redis at {self.address} is a read-only replica. Give the address of the primary.")
        if facts.get("redis_mode") == "cluster":
            raise Unfit("Redis is a cluster. Talk needs a single server.")
        policy = facts.get("maxmemory_policy", "noeviction")
        if policy != "noeviction" and not self._warned:
            self._warned = True
            log.warning("redis_evicts", reason=f"maxmemory-policy is {policy}: a full Redis forgets sessions silently")


class _Pause:
    """How long connecting is left alone after it failed: callers meanwhile get the same error at once."""

    def __init__(self, random_: Callable[[], float]) -> None:
        self._random = random_
        self._failures = 0
        self._until = 0.0
        self._error: Unavailable | None = None

    def check(self) -> None:
        if self._error is not None and asyncio.get_running_loop().time() < self._until:
            raise (Lost if isinstance(self._error, Lost) else Unfit)(self._error.detail)

    def failed(self, error: Unavailable) -> None:
        longest = min(LONGEST_PAUSE_SECONDS, PAUSE_SECONDS * 2**self._failures)
        self._failures = min(self._failures + 1, 16)
        self._until = asyncio.get_running_loop().time() + longest * (0.5 + self._random() / 2)
        self._error = error

    def succeeded(self) -> None:
        self._failures, self._error = 0, None


async def _close(connection: AbstractConnection) -> None:
    await connection.disconnect(nowait=True)


def _short(command: Command | Call) -> Command:
    return command.by_hash() if isinstance(command, Call) else command


def _long(command: Command | Call) -> Command:
    return command.by_source() if isinstance(command, Call) else command


def _facts(info: bytes) -> dict[str, str]:
    lines = info.decode("utf-8", "replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)
