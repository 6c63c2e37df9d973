"""One of the parts: loaded in the background, and its state in words for `/ready` and for callers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from talk_kit.errors import NotFound, TalkError, Unavailable
from talk_kit.health import Check
from talk_kit.logs import get_logger

log = get_logger(__name__)

CLOSE_SECONDS = 2.0
# Loading is watched closely, so that a process is ready as soon as it can be; afterwards the state rarely changes.
_LOADING_INTERVAL, _SETTLED_INTERVAL = 0.2, 5.0


class Engine(Protocol):
    """What a part loads."""

    def close(self) -> None:
        """Frees it. May block."""


E = TypeVar("E", bound=Engine)


class Part(Generic[E]):
    """`load` blocks, and raises TalkError with a sentence when the part cannot be had; None: switched off."""

    def __init__(self, name: str, title: str, load: Callable[[], E] | None) -> None:
        self.name = name
        self.title = title
        self._load = load
        self._engine: E | None = None
        self._failure: str | None = None

    @property
    def wanted(self) -> bool:
        """Whether this process serves the part."""
        return self._load is not None

    @property
    def engine(self) -> E:
        """The loaded engine; NotFound when the part is switched off, Unavailable while it loads or when it failed."""
        if self._engine is not None:
            return self._engine
        if self._load is None:
            raise NotFound(f"{self.title} is switched off here (TALK_LOCAL_PARTS).")
        raise Unavailable(self._failure or f"{self.title} is still loading.", retry_after=1.0)

    @property
    def loaded(self) -> E | None:
        """The engine, if it is there."""
        return self._engine

    async def load(self) -> None:
        """Loads in a thread. A failure is kept for `/ready` and logged; the other parts go on."""
        if self._load is None:
            return
        try:
            self._engine = await asyncio.to_thread(self._load)
        except TalkError as error:
            self._failure = error.detail
        except Exception:
            self._failure = f"{self.title} cannot be loaded; the log says why."
            log.exception("part_broken", part=self.name)
        log.info("part_loaded" if self._engine else "part_missing", part=self.name, reason=self._failure)

    def check(self) -> Check:
        """The part in `/ready`."""

        async def probe() -> None:
            _ = self.engine

        settled = lambda _ok: _SETTLED_INTERVAL if self._engine or self._failure else _LOADING_INTERVAL  # noqa: E731
        return Check(self.name, probe, delay=settled)

    async def close(self) -> None:
        """Frees the engine, or leaves it to the end of the process when that takes longer than `CLOSE_SECONDS`.

        In a daemon thread: a native library that does not come back must not hold up the end.
        """
        engine, self._engine = self._engine, None
        if engine is None:
            return
        loop, closed = asyncio.get_running_loop(), asyncio.Event()

        def close() -> None:
            engine.close()
            with contextlib.suppress(RuntimeError):  # the loop has given up waiting, and is closed
                loop.call_soon_threadsafe(closed.set)

        threading.Thread(target=close, name=f"close-{self.name}", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await closed.wait()
        except TimeoutError:
            log.warning("part_not_closed", part=self.name)
