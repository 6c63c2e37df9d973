"""Reading a turn's events as a client does."""

from __future__ import annotations

import httpx

from talk_kit.events import TurnEvent
from talk_kit.sse import read_turn


async def events_of(response: httpx.Response) -> list[TurnEvent]:
    """All events of a streamed answer."""
    return [event async for event in read_turn(response.aiter_bytes())]


def kinds(events: list[TurnEvent]) -> list[str]:
    """The events' types, repeats in a row once."""
    found: list[str] = []
    for event in events:
        if not found or found[-1] != event.type:
            found.append(event.type)
    return found
