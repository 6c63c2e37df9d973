"""One turn per session at a time, within this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from talk_kit.errors import SessionBusy


@dataclass(slots=True)
class _Line:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    present: int = 0


class LocalTurnLock:
    """First come, first served. A caller waits at most `wait` seconds, and at most `longest_line` wait at once.

    Past either bound it is SessionBusy. Nothing is kept of a session that nobody holds or waits for.
    """

    def __init__(self, *, wait: float, longest_line: int = 8) -> None:
        self._wait = wait
        self._longest_line = longest_line
        self._lines: dict[tuple[str, str], _Line] = {}

    @asynccontextmanager
    async def hold(self, session_id: str, user: str = "") -> AsyncIterator[str]:
        key = (user or session_id, session_id)
        line = self._lines.setdefault(key, _Line())
        if line.present > self._longest_line:
            raise SessionBusy("Too many turns of this session wait already.")
        line.present += 1
        try:
            await self._acquire(line.lock)
            try:
                yield ""
            finally:
                line.lock.release()
        finally:
            line.present -= 1
            if not line.present:
                del self._lines[key]

    async def _acquire(self, lock: asyncio.Lock) -> None:
        try:
            async with asyncio.timeout(self._wait):
                await lock.acquire()
        except TimeoutError:
            raise SessionBusy(f"Another turn of this session was still running after {self._wait:g} s.") from None

    def __len__(self) -> int:
        """Sessions that are held or waited for."""
        return len(self._lines)
