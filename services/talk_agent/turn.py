"""Turns: one question to the agent and what comes of it, as events.

A turn runs in a task of its own, so that its deadline also covers a reader that does not read, and so that
drain can end it from outside. Its reader (a streaming answer, or the fold behind a JSON one) owns it: when the
reader goes, the turn is cancelled, the model's stream is closed and what was said so far is stored.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from functools import cached_property

from google.adk.agents.invocation_context import LlmCallsLimitExceededError
from google.adk.agents.run_config import RunConfig, StreamingMode  # type: ignore[attr-defined]
from google.adk.runners import Runner
from google.adk.telemetry.context import ContentCapturingMode, TelemetryConfig
from google.genai import types

from talk_agent import history
from talk_agent.metrics import AgentMetrics
from talk_agent.outbox import Outbox
from talk_agent.progress import Progress
from talk_agent.run_context import RunContext, current_run
from talk_agent.sessions.idempotency import Answer, fingerprint
from talk_agent.sessions.port import Append, Conversation, SessionStore, TurnLock
from talk_agent.sessions.port import Turn as StoredTurn
from talk_agent.sessions.staging import Stage, StagingSessionService
from talk_agent.slots import Slots
from talk_kit import deadline
from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import (
    Cancelled,
    Draining,
    Internal,
    ProviderFailed,
    TalkError,
    Unavailable,
)
from talk_kit.events import ReplyDelta, StageChanged, TurnCompleted, TurnEvent, TurnStarted
from talk_kit.logs import get_logger
from talk_kit.names import new_id

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A question, the session it belongs to, the agents whose calls led here, and the key of its repetitions.

    `caller` is whose session it is, where callers are told apart; `identity` is the gateway's word for it.
    """

    session_id: str
    message: str
    call_path: tuple[str, ...] = ()
    key: str = ""
    caller: str = ""
    identity: str = field(default="", repr=False)

    @property
    def fingerprint(self) -> str:
        """Tells it from another request under the same key."""
        return fingerprint(self.message)


@dataclass(frozen=True, slots=True)
class TurnLimits:
    """`run_timeout` in seconds; `llm_calls` of one turn; `recent_turns` that the model is shown."""

    run_timeout: float
    llm_calls: int
    recent_turns: int


@dataclass(frozen=True)
class Engine:
    """What all turns of one agent share. `instruction` raises TalkError where it cannot be read now."""

    agent: str
    instruction: Callable[[], str]
    runner: Runner
    staging: StagingSessionService
    store: SessionStore
    lock: TurnLock
    slots: Slots
    limits: TurnLimits
    metrics: AgentMetrics

    @cached_property
    def run_config(self) -> RunConfig:
        """ADK's, one for all turns: with no TelemetryConfig of its own, ADK makes one for each event (50 µs of CPU)."""
        return RunConfig(
            streaming_mode=StreamingMode.SSE,
            max_llm_calls=self.limits.llm_calls,
            telemetry=TelemetryConfig(capture_message_content=ContentCapturingMode.NO_CONTENT),
        )


class Turns:
    """The turns of one agent, those under way and those to come."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running: dict[asyncio.Task[None], _Run] = {}
        self._closed = False

    async def events(self, request: TurnRequest) -> AsyncGenerator[TurnEvent, None]:
        """The turn's events. Raises TalkError instead of the first one where the turn is refused.

        Closing it cancels the turn, and returns when the turn has ended.
        """
        async with aclosing(self._events(request, Outbox())) as events:
            async for event in events:
                yield event

    async def complete(self, request: TurnRequest) -> TurnCompleted:
        """The same turn, folded to its good end. Raises the TalkError of every other one."""
        outbox = Outbox()
        async with aclosing(self._events(request, outbox)) as events:
            async for event in events:
                if isinstance(event, TurnCompleted):
                    return event
        raise outbox.error or Internal()

    async def _events(self, request: TurnRequest, outbox: Outbox) -> AsyncGenerator[TurnEvent, None]:
        if self._closed:
            raise Draining("This agent is shutting down.")
        run = _Run(self._engine, request, outbox)
        task = asyncio.create_task(run.run(), name=f"turn-{run.turn_id}")
        self._running[task] = run
        task.add_done_callback(self._running.pop)
        try:
            async with aclosing(outbox.read()) as events:
                async for event in events:
                    yield event
        finally:
            await cancel_and_wait(task)

    async def state(self, session_id: str, caller: str = "") -> dict[str, object]:
        """The session's state as stored; empty where it cannot be read now."""
        try:
            return dict((await self._engine.store.load(session_id, 0, user=caller)).state)
        except Unavailable as error:
            log.warning("state_not_read", reason=error.detail)
            return {}

    def close(self) -> None:
        """From now on each new turn is refused as draining."""
        self._closed = True

    async def finish(self, seconds: float) -> None:
        """Waits so long for running turns; what still runs then ends with `turn.failed`, retryable."""
        self.close()
        if self._running:
            await asyncio.wait(set(self._running), timeout=seconds)
        for task, run in list(self._running.items()):
            run.stop(Draining("This agent shut down before the reply was complete."))
            task.cancel()
        if self._running:
            await asyncio.wait(set(self._running), timeout=5.0)

    def __len__(self) -> int:
        """Turns that run, or wait for their session."""
        return len(self._running)


class _Run:
    """One turn, from its place in the session's line to its stored end."""

    def __init__(self, engine: Engine, request: TurnRequest, outbox: Outbox) -> None:
        self.turn_id = new_id()
        self._engine = engine
        self._request = request
        self._outbox = outbox
        self._progress = Progress(time.monotonic)
        self._begun = time.monotonic()
        self._stopped_by: TalkError | None = None
        self._storing: asyncio.Task[int] | None = None
        self._fence = ""

    def stop(self, why: TalkError) -> None:
        """Names the error that the turn ends with when its task is cancelled now."""
        self._stopped_by = why

    async def run(self) -> None:
        """The whole turn. Raises nothing but CancelledError: the outbox has every other end."""
        try:
            async with AsyncExitStack() as held:
                held.enter_context(self._engine.slots.enter())
                async with deadline.held():
                    if self._request.caller:
                        await self._engine.store.claim(self._request.session_id, self._request.caller)
                    if self._request.key and await self._repeated(await self._load(0)):
                        return
                    lease = self._engine.lock.hold(self._request.session_id, self._request.caller)
                    self._fence = await held.enter_async_context(lease)
                    await held.enter_async_context(self._engine.slots.take())
                held.enter_context(self._engine.metrics.running.labels(self._engine.agent).track_inprogress())
                await self._accepted()
        except TalkError as error:
            self._refused(error)
        except asyncio.CancelledError:
            if self._stopped_by is None:
                raise
            self._refused(self._stopped_by)
        except Exception:
            log.exception("turn_broken", turn_id=self.turn_id)
            self._refused(Internal())
        finally:
            self._outbox.end(Cancelled())

    async def _accepted(self) -> None:
        instruction = self._engine.instruction()
        loaded = await self._load(self._engine.limits.recent_turns)
        self._engine.metrics.session_setup.labels(self._engine.agent).observe(time.monotonic() - self._begun)
        if await self._repeated(loaded):
            return
        with self._engine.staging.stage(self._request.session_id, loaded, self._request.caller) as stage:
            self._progress = Progress(time.monotonic)
            started = TurnStarted(self.turn_id, self._request.session_id, self._engine.agent)
            await self._outbox.put(started)
            await self._outbox.put(StageChanged("thinking"))
            try:
                ending = await self._converse(instruction)
                await self._store(self._said(stage), stage, loaded, ending)
            except asyncio.CancelledError:
                await self._store_cut(stage, loaded)
                self._cancelled()
            except TalkError as error:
                await self._store_cut(stage, loaded)
                self._failed(error)
            except Exception:
                log.exception("turn_broken", turn_id=self.turn_id)
                await self._store_cut(stage, loaded)
                self._failed(Internal())
            else:
                self._completed(ending)

    async def _load(self, recent_turns: int) -> Conversation:
        request = self._request
        return await self._engine.store.load(request.session_id, recent_turns, key=request.key, user=request.caller)

    async def _repeated(self, loaded: Conversation) -> bool:
        """Answers a request that was answered before. IdempotencyMismatch where it was another one."""
        answer = loaded.answer
        if answer is None:
            return False
        answer.check(self._request.fingerprint)
        if answer.completed is None:
            return False
        await self._outbox.put(TurnStarted(answer.turn_id, self._request.session_id, self._engine.agent))
        if answer.completed.reply:
            await self._outbox.put(ReplyDelta(answer.completed.reply))
        log.info("turn_repeated", outcome="repeated", turn_id=answer.turn_id)
        self._outbox.end(answer.completed)
        return True

    async def _converse(self, instruction: str) -> TurnCompleted:
        limits = self._engine.limits
        deadline.begin(None, limits.run_timeout)
        try:
            async with deadline.held():
                await self._run_adk(instruction)
        except LlmCallsLimitExceededError:
            raise ProviderFailed(f"The model was called {limits.llm_calls} times without an answer.") from None
        return self._progress.ending()

    async def _run_adk(self, instruction: str) -> None:
        request, session_id = self._request, self._request.session_id
        current_run.set(RunContext(session_id, request.call_path, instruction, request.identity))
        run = self._engine.runner.run_async(
            user_id=request.caller or session_id,
            session_id=session_id,
            new_message=types.Content(role="user", parts=[types.Part(text=self._request.message)]),
            run_config=self._engine.run_config,
        )
        async with aclosing(run) as events:
            async for event in events:
                for translated in self._progress.take(event):
                    await self._outbox.put(translated)

    async def _store(
        self, turn: StoredTurn, stage: Stage, loaded: Conversation, ending: TurnCompleted | None = None
    ) -> None:
        """One append, which a cancelled turn waits for rather than repeats."""
        if self._storing is None:
            request = self._request
            append = Append(
                turn,
                stage.state,
                id=self.turn_id,
                key=request.key,
                answer=Answer(request.fingerprint, self.turn_id, ending) if request.key else None,
                replaces=loaded.answer,
            )
            storing = self._engine.store.append(
                request.session_id, append, version=loaded.version, fence=self._fence, user=request.caller
            )
            self._storing = asyncio.create_task(storing, name=f"append-{self.turn_id}")
        await asyncio.shield(self._storing)
        self._engine.metrics.sessions.labels(self._engine.agent).set(self._engine.store.count())

    def _said(self, stage: Stage) -> StoredTurn:
        """A good end may leave text without an event too: a filter that ends a stream sends no content."""
        if unfinished := self._progress.unfinished:
            return history.cut(stage.events, unfinished, self._engine.runner.agent.name)
        return history.completed(stage.events)

    async def _store_cut(self, stage: Stage, loaded: Conversation) -> None:
        turn = history.cut(stage.events, self._progress.unfinished, self._engine.runner.agent.name)
        if not turn and self._storing is None:
            return
        try:
            await self._store(turn, stage, loaded)
        except TalkError as error:
            log.error("cut_turn_not_stored", turn_id=self.turn_id, code=error.code)

    def _completed(self, ending: TurnCompleted) -> None:
        self._engine.metrics.turn_ended(self._engine.agent, "completed", ending.timings["total"])
        self._engine.metrics.turn_used(self._engine.agent, ending)
        log.info("turn_completed", outcome="completed", finish_reason=ending.finish_reason, **self._facts())
        self._outbox.end(ending)

    def _failed(self, error: TalkError) -> None:
        seconds = self._progress.timings()["total"]
        self._engine.metrics.turn_ended(self._engine.agent, "failed", seconds, error.code)
        log.warning("turn_failed", outcome="failed", code=error.code, reason=error.detail, **self._facts())
        self._outbox.fail(error)

    def _refused(self, error: TalkError) -> None:
        self._engine.metrics.turn_ended(self._engine.agent, "refused", 0.0, error.code)
        log.info("turn_refused", outcome="refused", turn_id=self.turn_id, code=error.code)
        self._outbox.end(error)

    def _cancelled(self) -> None:
        """The caller went, which ends the task, or drain stopped the turn, which has an event to end with."""
        if self._stopped_by is not None:
            self._failed(self._stopped_by)
            return
        self._engine.metrics.turn_ended(self._engine.agent, "cancelled", self._progress.timings()["total"])
        log.info("turn_cancelled", outcome="cancelled", **self._facts())
        raise asyncio.CancelledError

    def _facts(self) -> dict[str, object]:
        progress = self._progress
        return {
            "turn_id": self.turn_id,
            "seconds": progress.timings(),
            "input_tokens": progress.input_tokens,
            "output_tokens": progress.output_tokens,
            "model_messages": progress.model_messages,
            "tool_calls": progress.tools_called,
        }
