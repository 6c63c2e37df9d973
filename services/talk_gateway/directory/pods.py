"""Where one agent answers: which pod takes the next turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from itertools import count

from talk_gateway import metrics
from talk_kit.breaker import BreakerLimits, State
from talk_kit.errors import CircuitOpen
from talk_kit.guard import Guard

# A pod that refused a connection, or drains, is tried last for so long: its end shows in the watch by then (seconds).
ASIDE_SECONDS = 5.0


class Pods:
    """The addresses of one agent and the turns that this gateway runs at each.

    A turn goes to the pod with the fewest running turns; of several, to the one that was chosen longest ago.
    `preferred` pods come first, then `spare` ones: pods that end but still answer, or that did not answer lately.
    A pod whose breaker is open is not chosen. Not for several threads.
    """

    def __init__(
        self,
        preferred: Iterable[str] = (),
        *,
        limits: BreakerLimits | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.agent = ""
        self._clock = clock
        self._limits = limits
        self._guards: dict[str, Guard] = {}
        self._preferred: tuple[str, ...] = ()
        self._spare: tuple[str, ...] = ()
        self._running: dict[str, int] = {}
        self._chosen: dict[str, int] = {}
        self._aside: dict[str, float] = {}
        self._turn = count(1)
        self.offer(preferred)

    def offer(self, preferred: Iterable[str], spare: Iterable[str] = ()) -> None:
        """The base URLs from now on, without a trailing slash. Turns under way stay counted where they run.

        A pod that becomes preferred has shown that it is well again, whatever was seen of it before.
        """
        before = self._preferred
        self._preferred = tuple(dict.fromkeys(preferred))
        self._spare = tuple(url for url in dict.fromkeys(spare) if url not in self._preferred)
        known = {*self._preferred, *self._spare}
        self._chosen = {url: turn for url, turn in self._chosen.items() if url in known}
        self._aside = {url: until for url, until in self._aside.items() if url in known}
        self._guards = {url: guard for url, guard in self._guards.items() if url in known}
        for url in set(self._preferred).difference(before) & self._guards.keys():
            self._guards[url].reset()

    @property
    def urls(self) -> tuple[str, ...]:
        """Every address, the preferred ones first."""
        return (*self._preferred, *self._spare)

    def running(self, url: str) -> int:
        """The turns of this gateway that run at that address."""
        return self._running.get(url, 0)

    def set_aside(self, url: str) -> None:
        """That pod is tried after all others for a while."""
        self._aside[url] = self._clock() + ASIDE_SECONDS

    def others(self, tried: Collection[str]) -> bool:
        """Whether there is an address beside those."""
        return any(url not in tried for url in self.urls)

    def guard(self, url: str) -> Guard:
        """What decides whether that pod is asked."""
        if url not in self._guards:
            name = f"A pod of the agent {self.agent}"
            self._guards[url] = Guard(url, name, self._limits, on_change=self._changed, clock=self._clock)
        return self._guards[url]

    @property
    def state(self) -> State:
        """That of the best pod; closed where there is none."""
        guards = [self._guards.get(url) for url in self.urls]
        return min((guard.state if guard else State.CLOSED for guard in guards), default=State.CLOSED)

    def require(self, tried: Collection[str] = ()) -> None:
        """CircuitOpen where pods are left to ask and none of them may be."""
        waits = [self._retry_after(url) for url in self.urls if url not in tried]
        if waits and (wait := min(waits)) > 0:
            raise CircuitOpen(f"The agent {self.agent} failed lately and is left alone for a moment.", retry_after=wait)

    @contextmanager
    def turn(self, tried: Collection[str] = ()) -> Iterator[str | None]:
        """The address for one turn, which is counted there inside the block; None where none is left to ask."""
        url = self._choose(tried)
        if url is None:
            yield None
            return
        self._chosen[url] = next(self._turn)
        self._running[url] = self.running(url) + 1
        try:
            yield url
        finally:
            self._running[url] -= 1
            if not self._running[url]:
                del self._running[url]

    def _choose(self, tried: Collection[str]) -> str | None:
        now = self._clock()
        left = [url for url in self.urls if url not in tried and self._retry_after(url) <= 0]
        return min(left, key=lambda url: self._rank(url, now), default=None)

    def _retry_after(self, url: str) -> float:
        guard = self._guards.get(url)
        return 0.0 if guard is None else guard.retry_after

    def _changed(self, _url: str, state: State) -> None:
        metrics.breaker_changed(metrics.agent_target(self.agent), state)

    def _rank(self, url: str, now: float) -> tuple[bool, bool, int, int]:
        aside = self._aside.get(url, now) > now
        return aside, url not in self._preferred, self.running(url), self._chosen.get(url, 0)
