"""One turn per session at a time, across replicas: a lease in Redis that its holder keeps alive.

The lease is a key with the holder's token, drawn anew for each turn. The append checks the token in the same script
that writes, so that a holder which was away for too long cannot write over its successor. A holder that dies stops
extending: the lease ends within its time to live.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from talk_agent.sessions import scripts
from talk_agent.sessions.keys import SessionKeys, session_keys
from talk_agent.sessions.lock import LocalTurnLock
from talk_agent.sessions.redis_server import Server
from talk_agent.sessions.redis_store import milliseconds
from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import SessionBusy, Unavailable
from talk_kit.logs import get_logger, session_hash
from talk_kit.names import new_id

log = get_logger(__name__)

# Long enough that a pause of the process does not lose a turn; a holder that died is forgotten after it.
LEASE_SECONDS = 6.0
# Seconds between two looks of a waiter, the first and the longest; each is spread by half.
FIRST_LOOK, LONGEST_LOOK = 0.02, 0.2
# A waiter that has not looked for so long has left the line.
SILENT_SECONDS = 2.0
PLACES = 16
DROP_SECONDS = 2.0


class RedisTurnLock:
    """Callers of this process wait in its own line, so that one at most stands in the line in Redis.

    A caller waits at most `wait` seconds for both; `lease` is the lease's time to live, extended every third of it.
    """

    def __init__(self, server: Server, agent: str, *, wait: float, lease: float = LEASE_SECONDS) -> None:
        self._server = server
        self._agent = agent
        self._wait = wait
        self._lease = lease
        self._local = LocalTurnLock(wait=wait)
        self._dropping: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def hold(self, session_id: str, user: str = "") -> AsyncIterator[str]:
        until = asyncio.get_running_loop().time() + self._wait
        keys = session_keys(self._agent, user or session_id, session_id)
        token = new_id()
        async with self._local.hold(session_id, user):
            try:
                await self._take(keys, token, until)
                keeper = asyncio.create_task(self._keep(session_id, keys, token), name=f"lease-{token}")
                try:
                    yield token
                finally:
                    await cancel_and_wait(keeper)
            finally:
                await self._drop(keys, token)

    async def close(self) -> None:
        """Waits for leases that are being given back."""
        if self._dropping:
            await asyncio.wait(set(self._dropping), timeout=DROP_SECONDS)

    async def _take(self, keys: SessionKeys, token: str, until: float) -> None:
        args = (token, milliseconds(self._lease), milliseconds(SILENT_SECONDS), PLACES)
        call = scripts.LEASE_TAKE.call((keys.lease, keys.line), args)
        clock = asyncio.get_running_loop().time
        look = FIRST_LOOK
        while (got := (await self._server.run(call))[0]) != 1:
            if got == -1:
                raise SessionBusy("Too many turns of this session wait already.")
            pause = look * (0.5 + random.random())  # noqa: S311 - spreads replicas
            if clock() + pause > until:
                raise SessionBusy(f"Another turn of this session was still running after {self._wait:g} s.")
            await asyncio.sleep(pause)
            look = min(LONGEST_LOOK, look * 1.5)

    async def _keep(self, session_id: str, keys: SessionKeys, token: str) -> None:
        call = scripts.LEASE_KEEP.call((keys.lease,), (token, milliseconds(self._lease)))
        while True:
            await asyncio.sleep(self._lease / 3)
            try:
                (kept,) = await self._server.run(call)
            except Unavailable as error:
                log.warning("lease_not_extended", session=session_hash(session_id), reason=error.detail)
                continue
            if not kept:
                log.warning("lease_lost", session=session_hash(session_id))
                return

    async def _drop(self, keys: SessionKeys, token: str) -> None:
        """Also where the turn is cancelled: by a task that outlives the cancel, for DROP_SECONDS at most."""
        task = asyncio.create_task(self._give_back(keys, token), name=f"lease-drop-{token}")
        self._dropping.add(task)
        task.add_done_callback(self._dropping.discard)
        await asyncio.shield(task)

    async def _give_back(self, keys: SessionKeys, token: str) -> None:
        try:
            async with asyncio.timeout(DROP_SECONDS):
                await self._server.run(scripts.LEASE_DROP.call((keys.lease, keys.line), (token,)))
        except (Unavailable, TimeoutError):
            return  # it ends by itself

    def __len__(self) -> int:
        """Sessions that are held or waited for in this process."""
        return len(self._local)
