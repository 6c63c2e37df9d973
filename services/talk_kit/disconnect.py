"""A caller who goes away ends what was begun for them, on every route and also before the first byte."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from talk_kit.errors import Cancelled

T = TypeVar("T")


async def gone(receive: Receive) -> None:
    """Returns when the client has closed its connection. The request's body must have been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def until_disconnect(receive: Receive, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled, and waited for, as soon as the client goes: then `Cancelled`."""
    worker = asyncio.create_task(work, name="request-work")
    listener = asyncio.create_task(gone(receive), name="request-disconnect")
    try:
        await asyncio.wait({worker, listener}, return_when=asyncio.FIRST_COMPLETED)
        if worker.done():
            return worker.result()
        raise Cancelled
    finally:
        await cancel_and_wait(worker, listener)


class ClosingResponse(Response):
    """An answer whose writing is cancelled, and waited for, as soon as the client goes.

    Nothing of Response's own body and headers is used: `write` sends both.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        writer = asyncio.create_task(self.write(scope, receive, send), name="response-writer")
        listener = asyncio.create_task(gone(receive), name="response-disconnect")
        try:
            await asyncio.wait({writer, listener}, return_when=asyncio.FIRST_COMPLETED)
            if writer.done():
                writer.result()
        finally:
            await cancel_and_wait(writer, listener)

    async def write(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Sends the whole answer. Runs in a task of its own."""
        raise NotImplementedError  # each answer writes its own body


async def send_head(send: Send, headers: Mapping[str, str]) -> None:
    """Status 200 and exactly these headers: the body's length is not known yet."""
    raw = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": 200, "headers": raw})


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Ends tasks and waits until they have; their own results and errors are dropped."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
