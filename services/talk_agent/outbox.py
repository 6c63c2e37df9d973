"""Events on their way from a turn to its reader."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from talk_kit.errors import TalkError
from talk_kit.events import Ending, TurnEvent, TurnFailed

# Events a reader may lag behind before the turn waits for it. The turn's deadline bounds that wait.
SIZE = 64


class Outbox:
    """A bounded queue with an end. The ending is delivered even where the queue is full."""

    def __init__(self, size: int = SIZE) -> None:
        self._queue: asyncio.Queue[TurnEvent | None] = asyncio.Queue(size)
        self._ending: Ending | TalkError | None = None
        self.error: TalkError | None = None

    async def put(self, event: TurnEvent) -> None:
        """Waits while the reader is too far behind."""
        await self._queue.put(event)

    def fail(self, error: TalkError) -> None:
        """Ends with `turn.failed`; `error` keeps what the event stands for."""
        if self._ending is None:
            self.error = error
            self.end(TurnFailed.of(error))

    def end(self, ending: Ending | TalkError) -> None:
        """The turn's last event; a TalkError where the turn was refused before it started. The first call counts."""
        if self._ending is None:
            self._ending = ending
            if not self._queue.full():
                self._queue.put_nowait(None)

    async def read(self) -> AsyncGenerator[TurnEvent, None]:
        """Every event, the ending last. Raises the TalkError of a turn that was refused."""
        while not (self._ending is not None and self._queue.empty()):
            event = await self._queue.get()
            if event is None:
                break
            yield event
        if isinstance(self._ending, TalkError):
            raise self._ending
        if self._ending is not None:
            yield self._ending
