"""Keeps processes running until told to stop, and ends them all within a bound.

One task a process starts it, waits for its end, and starts it again after the policy's wait. Another asks those that
are not ready yet. Nothing polls while all are ready.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence

from talk_cli.running.child import Child, Command, python_module
from talk_cli.running.console import Console
from talk_cli.running.plan import GATEWAY, ChildSpec
from talk_cli.running.readiness import Probe, Readiness
from talk_cli.running.restart import Failures, RestartPolicy

POLL_SECONDS = 0.25
STOP_SECONDS = 6.0
KILL_SECONDS = 2.0
# For what others need until their end: it has little left to do.
LAST_SECONDS = 3.0
# Exit code of a service whose settings cannot be used: starting it again changes nothing.
UNUSABLE_SETTINGS = 2
REMINDER_SECONDS = 20.0


class Supervisor:
    """Runs the processes of a plan. `ready_line` is said once, when all are ready for the first time."""

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        console: Console,
        probe: Probe,
        ready_line: str,
        command: Command = python_module,
        policy: RestartPolicy | None = None,
        stop_seconds: float = STOP_SECONDS,
    ) -> None:
        self._specs = list(specs)
        self._console = console
        self._probe = probe
        self._ready_line = ready_line
        self._command = command
        self._policy = policy or RestartPolicy()
        self._stop_seconds = stop_seconds
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()
        self._not_all_ready = asyncio.Event()
        self._all_ready = asyncio.Event()
        self._others_ended = asyncio.Event()
        self._children: dict[str, Child] = {}
        self._failures = {spec.name: Failures() for spec in self._specs}
        self._unready = {spec.name for spec in self._specs}
        self._waits: dict[str, tuple[str, ...]] = {spec.name: () for spec in self._specs}
        self._failed = False

    def stop(self) -> None:
        """Ends all processes; asked a second time, it does not wait for them."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    async def wait_until_ready(self) -> None:
        """Returns when all processes are ready."""
        await self._all_ready.wait()

    def pids(self) -> dict[str, int]:
        """The processes that run now."""
        return {name: child.pid for name, child in self._children.items()}

    async def run(self) -> int:
        """Returns when all processes have ended: 0 after `stop`, 1 when the start failed."""
        self._not_all_ready.set()
        async with asyncio.TaskGroup() as tasks:
            keepers = [tasks.create_task(self._keep(spec), name=f"keep {spec.name}") for spec in self._specs]
            watch = tasks.create_task(self._watch(), name="watch readiness")
            end = tasks.create_task(self._end(), name="end children")
            await asyncio.wait(keepers)
            watch.cancel()
            end.cancel()
        self._console.progress("")
        return 1 if self._failed else 0

    async def _keep(self, spec: ChildSpec) -> None:
        clock = asyncio.get_running_loop().time
        while not self._stopping.is_set():
            started = clock()
            code = await self._run_once(spec)
            if self._stopping.is_set():
                return
            self._failures[spec.name] = self._failures[spec.name].after(clock() - started, self._policy)
            self._lost(spec)
            if self._give_up(spec, code):
                return
            wait = self._failures[spec.name].wait(self._policy)
            self._console.say(f"{spec.name} ended ({_reason(code)}); it starts again in {wait:g} s")
            await _wait_for(self._stopping, wait)

    async def _run_once(self, spec: ChildSpec) -> int:
        try:
            child = await Child.start(spec, self._command, self._console.line)
        except OSError as error:
            self._console.say(f"{spec.name} cannot be started: {error.strerror}")
            return 127
        self._children[spec.name] = child
        if self._stopping.is_set():
            child.terminate()
        try:
            return await child.wait()
        finally:
            del self._children[spec.name]
            self._note_others()

    def _give_up(self, spec: ChildSpec, code: int) -> bool:
        failures = self._failures[spec.name]
        if not failures.hopeless(self._policy) and (failures.was_ready or code != UNUSABLE_SETTINGS):
            return False
        self._console.say(f"{spec.name} does not start ({_reason(code)}); its last lines are above")
        self._failed = True
        self.stop()
        return True

    async def _end(self) -> None:
        """Asks all to end, those of `last` when the others have, and kills what has not after the bound, or at the
        second asking.
        """
        await self._stopping.wait()
        self._console.progress("stopping")
        for child in list(self._children.values()):
            if not child.spec.last:
                child.terminate()
        self._note_others()
        await _wait_for_either(self._others_ended, self._hurry, self._stop_seconds)
        for child in list(self._children.values()):
            child.terminate()
        await _wait_for(self._hurry, LAST_SECONDS if self._others_ended.is_set() else 0.0)
        while True:
            for child in list(self._children.values()):
                self._console.say(f"{child.spec.name} did not end; it is killed")
                child.kill()
            await asyncio.sleep(KILL_SECONDS)

    def _note_others(self) -> None:
        if self._stopping.is_set() and all(child.spec.last for child in self._children.values()):
            self._others_ended.set()

    def _lost(self, spec: ChildSpec) -> None:
        self._waits[spec.name] = ()
        self._all_ready.clear()
        self._unready.add(spec.name)
        self._not_all_ready.set()

    async def _watch(self) -> None:
        """Asks those that are not ready, until all are; sleeps until one is lost."""
        clock = asyncio.get_running_loop().time
        reminder = clock() + REMINDER_SECONDS
        said = False
        while True:
            await self._not_all_ready.wait()
            asked = [spec for spec in self._specs if spec.name in self._unready and spec.name in self._children]
            answers = await asyncio.gather(*(self._probe(spec) for spec in asked))
            for spec, answer in zip(asked, answers, strict=True):
                self._answered(spec, answer, again=said)
            self._show()
            if not self._unready:
                said = self._say_ready(said)
                continue
            if clock() > reminder and not said:
                reminder = clock() + REMINDER_SECONDS
                self._remind()
            await asyncio.sleep(POLL_SECONDS)

    def _answered(self, spec: ChildSpec, answer: Readiness, *, again: bool) -> None:
        self._waits[spec.name] = answer.waits
        if answer.ready and spec.name in self._children:
            self._unready.discard(spec.name)
            self._failures[spec.name] = self._failures[spec.name].ready()
            if again:
                self._console.say(f"{spec.name} is ready again")

    def _say_ready(self, said: bool) -> bool:
        self._not_all_ready.clear()
        self._console.progress("")
        if not said:
            self._console.say(self._ready_line)
        self._all_ready.set()
        return True

    def _show(self) -> None:
        if self._stopping.is_set() or not self._unready:
            return
        ready = len(self._specs) - len(self._unready)
        waiting = [self._waiting(spec.name) for spec in self._specs if spec.name in self._unready]
        self._console.progress(f"[{_bar(ready, len(self._specs))}] waiting for {', '.join(waiting)}")

    def _waiting(self, name: str) -> str:
        """With what it waits for on a terminal, where the line is overwritten; else it would be a line each time."""
        detail = "; ".join(self._waits[name]) if self._console.terminal else ""
        return f"{name} ({detail})" if detail else name

    def _remind(self) -> None:
        for name in sorted(self._unready):
            self._console.say(f"{name} is not ready: {'; '.join(self._waits[name]) or 'no answer yet'}")
        if GATEWAY not in self._unready:
            self._console.say(self._ready_line.replace("is ready", "is up without them"))


def _bar(done: int, total: int) -> str:
    return "#" * done + "." * (total - done)


def _reason(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


async def _wait_for(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return


async def _wait_for_either(one: asyncio.Event, other: asyncio.Event, seconds: float) -> None:
    waiting = [asyncio.create_task(event.wait(), name="stopping") for event in (one, other)]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


def on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    """Ctrl-C, a termination and a closed terminal all stop."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop)
