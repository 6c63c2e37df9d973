"""Bodies of requests, within bounds of size, time and pace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.types import Message, Receive

from talk_kit.errors import Cancelled, SlowRequest, TooLarge

# Of a body of JSON, which is a few KB.
JSON_SECONDS = 30.0
# So much of a body that is too large is read and dropped, that a client which only reads when it has sent
# everything sees the answer: four times the largest one, or ten seconds of it.
DRAINED_TIMES = 4
DRAIN_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How slowly a body may come: all of it within `seconds`, and on average at least `rate` bytes a second once
    `grace` seconds have gone. A rate of 0 is none.

    500 bytes a second is what Apache asks for; speech at the lowest bit rate that is in use (6 kbit/s) has 750.
    """

    seconds: float
    rate: int = 500
    grace: float = 10.0

    def due(self, seen: int) -> float:
        """By when, in seconds from the beginning, more must come than the `seen` bytes."""
        return min(self.seconds, self.grace + seen / self.rate) if self.rate else self.seconds


def paced(receive: Receive, pace: Pace) -> Receive:
    """`receive` that raises SlowRequest when a body falls behind its pace, which begins now."""
    clock = asyncio.get_running_loop().time
    begun, seen = clock(), 0

    async def in_time() -> Message:
        nonlocal seen
        try:
            async with asyncio.timeout_at(begun + pace.due(seen)):
                message = await receive()
        except TimeoutError:
            raise SlowRequest(_too_slow(pace, clock() - begun)) from None
        seen += len(message.get("body", b""))
        return message

    return in_time


def _too_slow(pace: Pace, after: float) -> str:
    if after < pace.seconds:
        return f"The body came slower than {pace.rate} bytes a second; send it faster, or a smaller one."
    return f"The body did not arrive within {pace.seconds:g} s."


async def read_body(request: Request, most: int, pace: Pace) -> bytes:
    """The body's bytes. TooLarge for more than `most`, SlowRequest behind `pace`, Cancelled without a client."""
    body = bytearray()
    try:
        async for chunk in Request(request.scope, paced(request.receive, pace)).stream():
            body += chunk
            if len(body) > most:
                await drain(request.receive, most)
                raise TooLarge(f"The body is larger than {most} bytes.")
    except ClientDisconnect:
        raise Cancelled from None
    return bytes(body)


async def drain(receive: Receive, most: int) -> None:
    """Drops what still comes of a body that has more than `most` bytes."""
    dropped = 0
    try:
        async with asyncio.timeout(DRAIN_SECONDS):
            while dropped < most * DRAINED_TIMES:
                message = await receive()
                dropped += len(message.get("body", b""))
                if message["type"] == "http.disconnect" or not message.get("more_body", False):
                    return
    except TimeoutError:
        return
