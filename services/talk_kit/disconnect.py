"""A caller who goes away ends what was begun for them, on every route and also before the first byte."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.types import Receive

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


async def cancel_and_wait(*tasks: asyncio.Task[Any]) -> None:
    """Ends tasks and waits until they have; their own results and errors are dropped."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
