"""From a model's stream to fewer, larger pieces: ADK spends 0.3 ms of CPU on each piece that it sees.

The first text leaves at once, and so does text with the end of a sentence in it, and the text right after that: what
follows a stop is what tells a sentence's end from an abbreviation. Other text leaves after `window` seconds, and at the end. One task reads ahead, by at most `MOST_AHEAD` characters: then it waits for the reader
of this generator. Closing the generator cancels the task and waits for it, which closes the HTTP stream.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from talk_agent.models import failures
from talk_agent.models.chunks import DeltaReader
from talk_agent.models.pieces import Piece, Text
from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import TalkError

WINDOW = 0.05
MOST_AHEAD = 65536
# Seconds that a stream may take to close after its answer is complete: usage comes after the finish reason.
GRACE = 1.0
# Seconds for the last bytes after `[DONE]`: a connection that is read to its end is used again.
LINGER = 0.1

# The stops of the scripts that people write in, and line ends.
_STOP = re.compile("[.!?…\n。！？．｡।॥؟۔։።፧።။។༎᙮᠃᠉]")


@dataclass(frozen=True, slots=True)
class Waits:
    """How long a provider may be silent, in seconds.

    `first_byte`: from the request to the first byte of the answer. `idle`: after that, between two signs of life:
    any byte before the first token, and only text, thoughts and calls after it (comments alone are a stall).
    """

    connect: float = 5.0
    first_byte: float = 30.0
    idle: float = 30.0


async def merged(
    batches: AsyncGenerator[list[Piece], None], reader: DeltaReader, waits: Waits, window: float = WINDOW
) -> AsyncGenerator[Piece, None]:
    """The pieces that matter: merged text as it comes, then what `reader.end()` has.

    `batches` feeds `reader` and yields what it returned, an empty list for bytes without a piece.
    Raises DeadlineExceeded on silence, and what `batches` raises, after the text that came before.
    """
    ahead = _ReadAhead(batches, reader, waits, window)
    task = asyncio.create_task(ahead.run(), name="model-stream")
    try:
        while (text := await ahead.text()) is not None:
            yield Text(text)
        for piece in reader.end():
            yield piece
        if reader.done:
            await asyncio.wait({task}, timeout=LINGER)
    finally:
        ahead.close()
        await cancel_and_wait(task)


class _ReadAhead:
    """The task that reads, and what it has read."""

    def __init__(
        self, batches: AsyncGenerator[list[Piece], None], reader: DeltaReader, waits: Waits, window: float
    ) -> None:
        self._batches = batches
        self._reader = reader
        self._waits = waits
        self._window = window
        self._loop = asyncio.get_running_loop()
        self._texts: list[str] = []
        self._size = 0
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._ended = False
        self._defect: Exception | None = None
        self._begun = False  # a token has come, possibly of a thought
        self._passes = True  # the next text leaves at once
        self._deadline = self._loop.time() + waits.connect + waits.first_byte
        self._flush: asyncio.TimerHandle | None = None
        self._watch = self._loop.call_at(self._deadline, self._watched)

    async def run(self) -> None:
        """Reads to the end. Errors are kept for the other side."""
        try:
            async with aclosing(self._batches) as batches:
                async for pieces in batches:
                    self._take(pieces)
                    while self._size > MOST_AHEAD:
                        self._room.clear()
                        await self._room.wait()
        except TalkError as error:
            self._reader.fail(error)
        except Exception as error:
            self._defect = error
        finally:
            self._end()

    async def text(self) -> str | None:
        """The next text; None at the end. Raises what no one expected of the reading side."""
        await self._wake.wait()
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._texts:
            text = "".join(self._texts)
            self._texts.clear()
            self._size = 0
            self._room.set()
            if not self._ended:
                self._wake.clear()
            return text
        if self._defect is not None:
            raise self._defect
        return None

    def close(self) -> None:
        """Ends the timers."""
        self._watch.cancel()
        if self._flush is not None:
            self._flush.cancel()

    def _take(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, Text):
                self._add(piece.text)
        if pieces or not self._begun:
            self._deadline = self._loop.time() + self._waits.idle
        self._begun = self._begun or bool(pieces)
        if self._reader.over:
            self._end()
            return
        if self._reader.complete:
            self._deadline = min(self._deadline, self._loop.time() + GRACE)
            self._wake_if_text()
        if self._deadline < self._watch.when():
            self._watch.cancel()
            self._watch = self._loop.call_at(self._deadline, self._watched)

    def _add(self, text: str) -> None:
        stops = _STOP.search(text) is not None
        passes, self._passes = self._passes, stops
        self._texts.append(text)
        self._size += len(text)
        if passes or stops or self._size > MOST_AHEAD:
            self._wake.set()
        elif self._flush is None and not self._wake.is_set():
            self._flush = self._loop.call_later(self._window, self._wake.set)

    def _wake_if_text(self) -> None:
        if self._texts:
            self._wake.set()

    def _end(self) -> None:
        self._ended = True
        self._wake.set()

    def _watched(self) -> None:
        """Runs when the deadline was due; it may have moved since."""
        if self._ended:
            return
        waiting = self._size > MOST_AHEAD  # not for the provider
        if waiting or self._loop.time() < self._deadline:
            self._deadline = max(self._deadline, self._loop.time() + GRACE)
            self._watch = self._loop.call_at(self._deadline, self._watched)
            return
        self._reader.fail(failures.silent())  # nothing, where the answer is complete
        self._end()
