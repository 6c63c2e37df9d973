"""One turn as a careful client has it: on a kept connection, with a key, asked again while that may help."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import numpy as np

from talk_kit.errors import TalkError
from talk_kit.events import TurnCompleted, TurnFailed
from talk_kit.sse import read_turn
from tests.chaos.record import Attempt, Turn
from tests.fakes.providers import HEADER_BYTES, transcript_of
from tests.fakes.speech import speech_wav

TEXT_FORMS = ("text-json", "text-sse")
VOICE_FORMS = ("voice-sse", "voice-json", "voice-mp3")
RECORDING_SECONDS = 1.0
# The longest wait between two attempts that a server can ask for, and that this client chooses itself.
LONGEST_ASKED, LONGEST_PAUSE = 5.0, 2.0


class Failed(Exception):
    """The attempt ended otherwise than well."""

    def __init__(self, code: str, retryable: bool = True, retry_after: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retryable = retryable
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Bounds:
    """Seconds that one attempt may take, and that a turn is asked again for. `attempts` is at most so many."""

    attempt: float = 30.0
    patience: float = 90.0
    attempts: int = 100


class Client:
    """Turns of one session of one agent, one after another."""

    def __init__(self, http: httpx.AsyncClient, agent: str, session: str, bounds: Bounds, clock: Callable[[], float]):
        self._http = http
        self._agent = agent
        self._session = session
        self._bounds = bounds
        self._clock = clock

    async def turn(self, number: int, form: str, turns: list[Turn]) -> None:
        """The turn with all its attempts, which is among `turns` from its beginning."""
        body = recording(f"{self._session} {number}") if form.startswith("voice") else b""
        question = transcript_of(body[HEADER_BYTES:]) if body else f"{self._session} question {number}"
        turn = Turn(self._session, question)
        turns.append(turn)
        key = f"{self._session}-{number}"
        until = self._clock() + self._bounds.patience
        while True:
            retry_after = await self._attempt(turn, form, key, body)
            last = turn.attempts[-1]
            if last.ok or not last.retryable or len(turn.attempts) >= self._bounds.attempts:
                return
            pause = _pause(len(turn.attempts), retry_after)
            if self._clock() + pause > until:
                return
            await asyncio.sleep(pause)

    async def _attempt(self, turn: Turn, form: str, key: str, body: bytes) -> float | None:
        begun = self._clock()
        code, retryable, retry_after = "", True, None
        try:
            async with asyncio.timeout(self._bounds.attempt):
                turn.reply = await self._ask(form, turn.question, key, body)
        except Failed as failed:
            code, retryable, retry_after = failed.code, failed.retryable, failed.retry_after
        except TimeoutError:
            code = "no_end_in_time"
        except (httpx.HTTPError, TalkError) as error:
            code = type(error).__name__
        turn.attempts.append(Attempt(form, begun, self._clock(), code, retryable))
        return retry_after

    async def _ask(self, form: str, question: str, key: str, body: bytes) -> str | None:
        headers = {"X-Session-ID": self._session, "Idempotency-Key": key}
        if form.endswith("sse"):
            headers["Accept"] = "text/event-stream"
        async with self._http.stream("POST", **self._request(form, question, body), headers=headers) as response:
            if response.status_code != 200:
                raise _refused(response, await response.aread())
            if form.endswith("sse"):
                return await _streamed(response)
            content = await response.aread()
        if form == "voice-mp3":
            if not content:
                raise Failed("no_sound")
            return None
        answer = response.json()
        return str(answer["llm_response" if form == "voice-json" else "reply"])

    def _request(self, form: str, question: str, body: bytes) -> dict[str, Any]:
        if not body:
            asked = {"text": question, "mode": "agent", "agent_name": self._agent}
            return {"url": "/v1/chat", "json": asked}
        query = {"mode": "agent", "agent_name": self._agent, "format": "json" if form == "voice-json" else "mp3"}
        return {"url": "/v1/speech_to_speech", "params": query, "files": {"file": ("q.wav", body, "audio/wav")}}


def recording(told: str) -> bytes:
    """A second of speech that differs by what is told: its quiet beginning holds the bytes of it."""
    body = bytearray(speech_wav(RECORDING_SECONDS))
    marks = np.frombuffer(told.encode(), np.uint8).astype("<i2")
    body[HEADER_BYTES : HEADER_BYTES + 2 * len(marks)] = marks.tobytes()
    return bytes(body)


def clock() -> Callable[[], float]:
    """Seconds since this call."""
    begun = time.monotonic()
    return lambda: time.monotonic() - begun


def _refused(response: httpx.Response, content: bytes) -> Failed:
    try:
        problem = response.json()
        code, retryable = str(problem["code"]), bool(problem["retryable"])
    except (ValueError, KeyError, TypeError):
        return Failed(f"status_{response.status_code}", response.status_code >= 500)
    after = response.headers.get("retry-after", "")
    return Failed(f"{response.status_code} {code}", retryable, float(after) if after.isdecimal() else None)


async def _streamed(response: httpx.Response) -> str:
    async for event in read_turn(response.aiter_bytes()):
        if isinstance(event, TurnCompleted):
            return event.reply
        if isinstance(event, TurnFailed):
            raise Failed(f"turn.failed {event.code}", event.retryable, event.retry_after)
    raise Failed("stream_without_end")


def _pause(attempts: int, retry_after: float | None) -> float:
    if retry_after is not None:
        return min(LONGEST_ASKED, retry_after)
    return random.uniform(0.05, min(LONGEST_PAUSE, 0.2 * 2.0**attempts))
