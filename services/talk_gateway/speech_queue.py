"""Sentences in, their sound out, in order and ahead of time.

While one sentence is being sent, at most two more are asked of the provider. Each holds a bounded piece of its
sound, so a client that does not read stops the synthesis.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass, field

from talk_kit.disconnect import cancel_and_wait

Synthesize = Callable[[str], AsyncGenerator[bytes, None]]
Deliver = Callable[[bytes], Awaitable[None]]

AHEAD = 2
# Pieces of sound that wait for a slow reader in each sentence, and the bytes of the largest: 512 KiB a sentence.
# Providers send 4 to 20 KiB at a time; a connection that was not read for a while gives all it holds at once.
WAITING_PIECES = 16
LARGEST_PIECE = 32 << 10


@dataclass
class _Sentence:
    """The sound of one sentence: bytes, then None at its end or the error that ended it."""

    pieces: asyncio.Queue[bytes | Exception | None] = field(default_factory=lambda: asyncio.Queue(WAITING_PIECES))


class SpeechQueue:
    """`say` sentences, then `end`; `run` delivers their sound and raises what the provider failed with."""

    def __init__(self, synthesize: Synthesize, deliver: Deliver) -> None:
        self._synthesize = synthesize
        self._deliver = deliver
        self._texts: asyncio.Queue[str | None] = asyncio.Queue()
        self._order: asyncio.Queue[_Sentence | None] = asyncio.Queue()
        self._slots = asyncio.Semaphore(1 + AHEAD)
        self._tasks: set[asyncio.Task[None]] = set()
        self.first_asked: float | None = None
        self.first_heard: float | None = None

    def say(self, text: str) -> None:
        """Queues a sentence. Never waits: a reply's length bounds the queue."""
        self._texts.put_nowait(text)

    def end(self) -> None:
        """No more sentences come."""
        self._texts.put_nowait(None)

    async def run(self) -> None:
        """Returns when the sound of the last sentence was delivered. Cancelling it ends every request."""
        starter = self._own(self._start())
        try:
            while (sentence := await self._order.get()) is not None:
                await self._send(sentence)
                self._slots.release()
            await starter
        finally:
            await cancel_and_wait(*self._tasks)

    async def _send(self, sentence: _Sentence) -> None:
        while (piece := await sentence.pieces.get()) is not None:
            if isinstance(piece, Exception):
                raise piece
            await self._deliver(piece)

    async def _start(self) -> None:
        while (text := await self._texts.get()) is not None:
            await self._slots.acquire()
            sentence = _Sentence()
            self._own(self._fill(sentence, text))
            self._order.put_nowait(sentence)
        self._order.put_nowait(None)

    async def _fill(self, sentence: _Sentence, text: str) -> None:
        self.first_asked = self.first_asked or time.monotonic()
        end: Exception | None = None
        try:
            async with aclosing(self._synthesize(text)) as sound:
                async for piece in sound:
                    self.first_heard = self.first_heard or time.monotonic()
                    for start in range(0, len(piece), LARGEST_PIECE):
                        await sentence.pieces.put(piece[start : start + LARGEST_PIECE])
        except Exception as error:
            end = error
        await sentence.pieces.put(end)

    def _own(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name="speech-queue")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
