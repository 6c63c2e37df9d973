"""A user for each agent in the chart's own Redis: made before the agent's pods, and anew where Redis lost it.

One task owns one connection. Whoever needs a user waits for it a little, and goes on without where Redis is away: the
pod then says so at `/ready`, until the task has caught up.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from redis.exceptions import RedisError, ResponseError

from talk_kit.logs import get_logger
from talk_kit.redis_address import Command, RedisAddress, exchange
from talk_kit.redis_users import PREFIX, user_name, user_rules
from talk_kit.session_keys import SCHEMA, SCHEMA_KEY
from talk_operator import metrics
from talk_operator.config import Config
from talk_operator.kinds import POD
from talk_operator.store import Key, Store, key_of

log = get_logger(__name__)

# Seconds. A reconciliation waits so long for a user; a round trip takes so long at most.
WAIT = 2.0
ANSWER = 5.0
# Between two signs of life: a Redis that lost its users is known so soon. Between two looks at which users there are.
BEAT = 1.0
LOOK = 120.0
# After a failure, doubled each time, and drawn between half and all of it.
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0

Ask = Callable[..., Awaitable[list[Any]]]


class RedisUsers:
    """`address` has the default user's password, of which each agent's is derived."""

    def __init__(
        self,
        address: RedisAddress,
        store: Store,
        config: Config,
        *,
        beat: float = BEAT,
        look: float = LOOK,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._address = address
        self._store = store
        self._config = config
        self._beat = beat
        self._look = look
        self._jitter = jitter
        self._made: set[Key] = set()
        self._due: set[Key] = set()
        self._away = ""
        self._wake = asyncio.Event()
        self._passed = asyncio.Condition()

    async def ensure(self, key: Key) -> None:
        """Returns when the agent's user is there; without it after WAIT, and at once while Redis is away."""
        if key in self._made:
            return
        self._due.add(key)
        self._wake.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT), self._passed:
                await self._passed.wait_for(lambda: key in self._made or self._away)

    async def run(self) -> None:
        """Works until it is cancelled. The store has to be filled: users of agents that it lacks are deleted."""
        failures = 0
        while True:
            try:
                async with self._connected() as ask:
                    await self._all(ask, anew=True)
                    failures = 0
                    await self._keep(ask)
            except (RedisError, OSError, TimeoutError) as error:
                await self._lost(error)
            longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 16))
            failures += 1
            await asyncio.sleep(longest * (0.5 + self._jitter() / 2))

    async def _keep(self, ask: Ask) -> None:
        clock = asyncio.get_running_loop().time
        looked = clock()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._beat):
                    await self._wake.wait()
            self._wake.clear()
            if due := self._due - self._made:
                await self._make(ask, due)
                await self._save(ask)
            elif clock() - looked >= self._look:
                await self._all(ask, anew=False)
                looked = clock()
            else:
                await ask(("PING",))

    async def _all(self, ask: Ask, *, anew: bool) -> None:
        """Users of the agents that there are, and no others. With `anew` each is set, whatever the server has of it."""
        wanted = self._wanted() | self._due
        self._made &= wanted
        there = {user.decode() for user in (await ask(("ACL", "USERS")))[0] if user.startswith(PREFIX.encode())}
        names = {_name(key): key for key in wanted}
        missing = {key for name, key in names.items() if anew or name not in there}
        gone = sorted(there - names.keys())
        await self._keep_schema(ask)
        if missing:
            await self._make(ask, missing)
        if gone:
            await ask(("ACL", "DELUSER", *gone))
            log.info("redis_users_deleted", users=gone)
        if missing or gone:
            await self._save(ask)

    async def _make(self, ask: Ask, keys: set[Key]) -> None:
        await ask(*(("ACL", "SETUSER", _name(key), *self._rules(key)) for key in sorted(keys)))
        async with self._passed:
            self._made |= keys
            self._due -= keys
            if self._away:
                log.info("redis_users_made", after=self._away)
            self._away = ""
            self._passed.notify_all()

    def _rules(self, key: Key) -> tuple[str, ...]:
        return user_rules(self._address.password, key.namespace, key.name, self._config.foreign(key.namespace))

    def _wanted(self) -> set[Key]:
        """Also of an agent that is gone while a pod of it ends: it still stores its last turn."""
        pods = (key_of(pod) for pod in self._store.of_kind(POD.name))
        agents = (key_of(agent) for agent in self._store.agents())
        return {key for key in (*agents, *pods) if key is not None}

    async def _keep_schema(self, ask: Ask) -> None:
        """Agents may read it only, so that none can stop the others. A full Redis refuses it, and goes without."""
        with suppress(ResponseError):
            await ask(("SET", SCHEMA_KEY, SCHEMA, "NX"))

    async def _save(self, ask: Ask) -> None:
        """For a Redis that starts again while no operator runs. One with a full disk goes without."""
        try:
            await ask(("ACL", "SAVE"))
        except ResponseError as error:
            metrics.REDIS_FAILURES.inc()
            log.warning("redis_users_not_saved", reason=str(error)[:200])

    async def _lost(self, error: Exception) -> None:
        metrics.REDIS_FAILURES.inc()
        reason = type(error).__name__
        if reason != self._away:
            log.warning("redis_users_not_kept", redis=str(self._address), reason=reason)
        async with self._passed:
            self._made.clear()
            self._away = reason
            self._passed.notify_all()

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Ask]:
        connection = self._address.connection()

        async def ask(*commands: Command) -> list[Any]:
            async with asyncio.timeout(ANSWER):
                return checked(await exchange(connection, commands))

        try:
            async with asyncio.timeout(ANSWER):
                await connection.connect()  # type: ignore[no-untyped-call]
            yield ask
        finally:
            await connection.disconnect(nowait=True)
            await asyncio.sleep(0)  # it is closed by the loop's next pass


def _name(key: Key) -> str:
    return user_name(key.namespace, key.name)


def checked(answers: Sequence[Any]) -> list[Any]:
    """The answers; raises the first that is an error."""
    for answer in answers:
        if isinstance(answer, ResponseError):
            raise answer
    return list(answers)
