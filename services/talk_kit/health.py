"""Health: dependencies are checked in the background, a probe's request only reads what is known.

`/healthz` (liveness) says that the event loop turns and that checks still finish, well or badly: a provider's
outage never restarts a pod. `/ready` says whether this process can serve, `/health` is for people: always 200.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from talk_kit.disconnect import cancel_and_wait
from talk_kit.errors import TalkError
from talk_kit.logs import get_logger

log = get_logger(__name__)

# A check is stuck when it has not finished for its interval, its time-out and this much more (seconds).
STUCK_SECONDS = 30.0


@dataclass
class Check:
    """One dependency. `probe` returns when all is well and raises TalkError with a sentence when not.

    `interval` and `timeout` are seconds; `delay` chooses the wait after a probe by its outcome instead of
    `interval`. `failures` in a row make the check fail. With `required` false it is shown and does not count.
    """

    name: str
    probe: Callable[[], Awaitable[None]]
    interval: float = 5.0
    timeout: float = 5.0
    failures: int = 1
    required: bool = True
    delay: Callable[[bool], float] | None = None
    ok: bool = field(default=False, init=False)
    message: str = field(default="not checked yet", init=False)
    finished_at: float = field(default_factory=time.monotonic, init=False)
    _failed: int = field(default=0, init=False)

    def record(self, failure: str | None) -> None:
        """What a probe, or a real call, found: None for success, a sentence for failure."""
        self._failed = 0 if failure is None else self._failed + 1
        before = self.ok
        if failure is None or self._failed >= self.failures or not self.ok:
            self.ok, self.message = failure is None, failure or "ok"
        if self.ok != before:
            log.info("check_changed", check=self.name, ok=self.ok, reason=self.message)

    def next_delay(self) -> float:
        """Seconds until the next probe."""
        return self.delay(self._failed == 0) if self.delay else self.interval

    def stuck(self, now: float) -> bool:
        """Whether no probe has finished for too long."""
        return now - self.finished_at > self.next_delay() + self.timeout + STUCK_SECONDS

    async def run(self) -> None:
        """Probes for ever. Cancel it to end it."""
        while True:
            self.record(await self._failure())
            self.finished_at = time.monotonic()
            await asyncio.sleep(self.next_delay())

    async def _failure(self) -> str | None:
        try:
            async with asyncio.timeout(self.timeout):
                await self.probe()
        except TimeoutError:
            return f"no answer within {self.timeout:g} s"
        except TalkError as error:
            return error.detail
        except Exception:
            log.exception("check_broken", check=self.name)
            return "the check itself failed; see the log"
        return None


class Health:
    """The checks of one process, whether it has started, and whether it drains."""

    def __init__(self, checks: Iterable[Check] = ()) -> None:
        self.checks = list(checks)
        self.started = False
        self.draining = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Probes run inside this block."""
        tasks = [asyncio.create_task(check.run(), name=f"check-{check.name}") for check in self.checks]
        try:
            yield
        finally:
            await cancel_and_wait(*tasks)

    @property
    def live(self) -> bool:
        """False when a check no longer finishes: the process is beyond repair from inside."""
        now = time.monotonic()
        return not any(check.stuck(now) for check in self.checks)

    @property
    def ready(self) -> bool:
        """Whether new work is welcome here."""
        return self.started and not self.draining and all(check.ok for check in self.checks if check.required)

    def listed(self) -> list[dict[str, Any]]:
        """The checks as the routes show them."""
        own = [] if self.started else [{"name": "started", "ok": False, "message": "still starting"}]
        own += [{"name": "draining", "ok": False, "message": "shutting down"}] if self.draining else []
        return own + [{"name": c.name, "ok": c.ok, "message": c.message} for c in self.checks]

    def routes(self) -> list[Route]:
        """`/healthz`, `/ready` and `/health`."""
        return [
            Route("/healthz", self._healthz),
            Route("/ready", self._ready),
            Route("/health", self._health),
        ]

    async def _healthz(self, _request: Request) -> Response:
        return _answer({"live": self.live}, 200 if self.live else 503)

    async def _ready(self, _request: Request) -> Response:
        return _answer({"ready": self.ready, "checks": self.listed()}, 200 if self.ready else 503)

    async def _health(self, _request: Request) -> Response:
        well = self.ready and all(check.ok for check in self.checks)
        return _answer({"status": "ok" if well else "degraded", "checks": self.listed()}, 200)


def _answer(body: dict[str, Any], status: int) -> Response:
    return JSONResponse(body, status, headers={"Cache-Control": "no-store"})
