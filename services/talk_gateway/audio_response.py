"""The spoken reply as a chunked audio body."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from talk_gateway.audio.encode import Encoder
from talk_gateway.voice_turn import Sound, VoiceEvent
from talk_kit.disconnect import ClosingResponse, send_head
from talk_kit.errors import TalkError, from_code
from talk_kit.events import TurnCompleted, TurnFailed
from talk_kit.problems import problem
from talk_kit.sse import WRITE_SECONDS

# A tenth of a second: a reply with nothing to speak is still a file that plays.
SILENCE = bytes(4_800)


class AudioResponse(ClosingResponse):
    """Status and headers go out with the first sound, so what fails before has a status of its own.

    What fails later cuts the body off: a client must not take half an answer for the whole.
    """

    def __init__(self, events: AsyncGenerator[VoiceEvent, None], encoder: Encoder, headers: dict[str, str]) -> None:
        super().__init__()
        self._events = events
        self._encoder = encoder
        self._head = {
            "Content-Type": encoder.content_type,
            "Cache-Control": "no-store, no-transform",
            "X-Accel-Buffering": "no",
            **headers,
        }
        self._started = False

    async def write(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with aclosing(self._events) as events:
                await self._body(events, send)
        except TalkError as error:
            # Once sound was sent, returning without the last chunk is what cuts the body off.
            if not self._started:
                await problem(error, Headers(scope=scope).get("accept", ""))(scope, receive, send)

    async def _body(self, events: AsyncGenerator[VoiceEvent, None], send: Send) -> None:
        async for event in events:
            match event:
                case Sound(pcm):
                    await self._send(send, self._encoder.feed(pcm))
                case TurnFailed():
                    raise from_code(event.code, event.detail, retry_after=event.retry_after)
                case TurnCompleted():
                    silence = b"" if self._started else self._encoder.feed(SILENCE)
                    await self._send(send, silence + self._encoder.finish(), last=True)

    async def _send(self, send: Send, data: bytes, *, last: bool = False) -> None:
        if not data and not last:
            return
        if not self._started:
            self._started = True
            await send_head(send, self._head)
        async with asyncio.timeout(WRITE_SECONDS):
            await send({"type": "http.response.body", "body": data, "more_body": not last})
