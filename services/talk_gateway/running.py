"""The turns under way, which drain lets finish and at last ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, contextmanager
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import request_response
from starlette.types import Receive, Scope, Send

from talk_kit.errors import Draining

T = TypeVar("T")

_SCOPE_KEY = "talk.turn"
# Seconds that ended turns have to say so to their callers.
ENDING_SECONDS = 5.0


class RunningTurn:
    """One turn. What it waits for by `wait` and `events` is what drain can end; then both raise Draining."""

    def __init__(self) -> None:
        self._ended = False
        self._waiting: asyncio.Timeout | None = None
        self.held = AsyncExitStack()

    async def hold(self, resource: AbstractAsyncContextManager[object]) -> None:
        """Takes what is given back when the answer was sent, or its caller has gone: also an answer never begun."""
        await self.wait(self.held.enter_async_context(resource))

    def end(self) -> None:
        """From now on, and where it waits now, the turn is over."""
        self._ended = True
        if self._waiting is not None:
            self._waiting.reschedule(asyncio.get_running_loop().time())

    async def wait(self, work: Awaitable[T]) -> T:
        """The result of `work`, which is cancelled when the turn ends."""
        try:
            async with asyncio.timeout(0.0 if self._ended else None) as self._waiting:
                return await work
        except TimeoutError:
            if not self._ended:
                raise
            raise Draining("The gateway shut down before the turn was complete.") from None
        finally:
            self._waiting = None

    async def events(self, events: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
        """The same events; a reader that is slow is never interrupted in its writing."""
        async with aclosing(events):
            while True:
                try:
                    event = await self.wait(anext(events))
                except StopAsyncIteration:
                    return
                yield event


class RunningTurns:
    """Those of a process, each from its request's head to the last byte of its answer."""

    def __init__(self) -> None:
        self._turns: set[RunningTurn] = set()
        self._refusing = False
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._turns)

    @contextmanager
    def begin(self) -> Iterator[RunningTurn]:
        """A turn for the block; Draining where no more are taken."""
        if self._refusing:
            raise Draining("This gateway is shutting down.")
        turn = RunningTurn()
        self._turns.add(turn)
        try:
            yield turn
        finally:
            self._turns.discard(turn)
            self._changed.set()

    async def finish(self, seconds: float) -> None:
        """Refuses new turns, waits so long for the others, and ends them."""
        self._refusing = True
        await self._until_none(seconds)
        for turn in list(self._turns):
            turn.end()
        await self._until_none(ENDING_SECONDS)

    async def _until_none(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                while self._turns:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return


class TurnRoute:
    """A route's endpoint as an app that runs within `RunningTurns.begin`, its answer included."""

    def __init__(self, turns: RunningTurns, endpoint: Callable[[Request], Awaitable[Response]]) -> None:
        self._turns = turns
        self._app = request_response(endpoint)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._turns.begin() as turn:
            scope[_SCOPE_KEY] = turn
            async with turn.held:
                await self._app(scope, receive, send)


def running_turn(request: Request) -> RunningTurn:
    """The turn that this request is, on a `TurnRoute`."""
    turn: RunningTurn = request.scope[_SCOPE_KEY]
    return turn
