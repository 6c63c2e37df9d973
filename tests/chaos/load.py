"""A steady load of text and voice turns, started, watched and ended over HTTP, in a process or a pod of its own.

    python -m tests.chaos.load --port 9002 [--host 0.0.0.0]

`POST /start` takes a `Plan`; `GET /` says how far it is; `POST /fault-begins` and `POST /fault-ends` note the moment;
`POST /stop` waits for the turns under way and answers with the `Report`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import ssl
from dataclasses import asdict, dataclass

import httpx
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from talk_kit.disconnect import cancel_and_wait
from talk_kit.names import new_id
from tests.chaos.client import TEXT_FORMS, VOICE_FORMS, Bounds, Client, clock
from tests.chaos.record import Report, Turn

LIMITS = httpx.Limits(max_connections=2, max_keepalive_connections=2, keepalive_expiry=60.0)


@dataclass(frozen=True)
class Plan:
    """`text` and `voice` are sessions at once; each asks, waits `pause` seconds and asks again, in every form in
    turn. After `turns` questions a session ends and another takes its place; `rounds` bounds how many, 0 is no bound.
    """

    url: str
    agent: str = "assistant"
    text: int = 8
    voice: int = 4
    pause: float = 0.5
    turns: int = 50
    rounds: int = 0
    attempt: float = 30.0
    patience: float = 90.0


class Load:
    """One load at a time."""

    def __init__(self) -> None:
        self._turns: list[Turn] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = asyncio.Event()
        self._clock = clock()
        self._began = self._ended = 0.0

    def start(self, plan: Plan) -> None:
        """Forgets the last load and begins."""
        assert not self.running, "a load runs"
        self._turns, self._began, self._ended, self._clock = [], 0.0, 0.0, clock()
        self._stopping = asyncio.Event()
        prefix = new_id()[:8]
        forms = [*[TEXT_FORMS] * plan.text, *[VOICE_FORMS] * plan.voice]
        self._tasks = [
            asyncio.create_task(self._converse(plan, f"{prefix}-{number}", kinds), name=f"load-{number}")
            for number, kinds in enumerate(forms)
        ]

    @property
    def running(self) -> bool:
        return any(not task.done() for task in self._tasks)

    @property
    def at(self) -> float:
        """Seconds since the load began."""
        return self._clock()

    def fault_begins(self) -> None:
        """What failed before is not its doing."""
        self._began = self._clock()

    def fault_ends(self) -> None:
        """Recovery is counted from here on."""
        self._ended = self._clock()

    def seen(self) -> dict[str, object]:
        """How far it is."""
        good = sum(turn.acknowledged for turn in self._turns)
        bad = sum(not attempt.ok for turn in self._turns for attempt in turn.attempts)
        return {"running": self.running, "at": self.at, "good": good, "failures": bad}

    async def stop(self) -> dict[str, object]:
        """No new turn is begun; those under way end, with their retries. Also raises what broke the load itself."""
        self._stopping.set()
        await asyncio.gather(*self._tasks)
        report = Report.of(self._turns, self._began, self._ended)
        recovered = report.recovered_at
        seconds = None if recovered is None else recovered - self._ended
        return {**asdict(report), "recovered_after": seconds, "seconds": self.at}

    async def close(self) -> None:
        """Ends everything at once."""
        await cancel_and_wait(*self._tasks)

    async def _converse(self, plan: Plan, name: str, forms: tuple[str, ...]) -> None:
        bounds = Bounds(plan.attempt, plan.patience)
        # Plain HTTP: a context with all authorities would cost each session 35 ms.
        plain = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        async with httpx.AsyncClient(base_url=plan.url, limits=LIMITS, timeout=plan.attempt, verify=plain) as http:
            for each in itertools.count() if not plan.rounds else range(plan.rounds):
                client = Client(http, plan.agent, f"{name}-{each}", bounds, self._clock)
                for number in range(plan.turns):
                    if self._stopping.is_set():
                        return
                    await client.turn(number, forms[number % len(forms)], self._turns)
                    await self._rest(plan.pause)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return


def app(load: Load) -> Starlette:
    """The switchboard of a load."""

    async def start(request: Request) -> Response:
        load.start(Plan(**await request.json()))
        return _json(load.seen())

    async def look(_request: Request) -> Response:
        return _json(load.seen())

    async def begins(_request: Request) -> Response:
        load.fault_begins()
        return _json(load.seen())

    async def ends(_request: Request) -> Response:
        load.fault_ends()
        return _json(load.seen())

    async def stop(_request: Request) -> Response:
        return _json(await load.stop())

    routes = [
        Route("/", look),
        Route("/ready", look),
        Route("/start", start, methods=["POST"]),
        Route("/fault-begins", begins, methods=["POST"]),
        Route("/fault-ends", ends, methods=["POST"]),
        Route("/stop", stop, methods=["POST"]),
    ]
    return Starlette(routes=routes)


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    uvicorn.run(
        app(Load()), host=options.host, port=options.port, log_config=None, access_log=False, ws="none", lifespan="off"
    )


if __name__ == "__main__":
    main()
