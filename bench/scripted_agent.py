"""An agent without ADK: the agent's route, with the fake LLM's timing and the real agent's merging of tokens.

    python -m bench.scripted_agent --port 9001

What the gateway costs is measured against it, free of what ADK costs.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from collections.abc import AsyncGenerator

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.scenario import REPLY, merged_times, tokens
from bench.serving import serve
from talk_kit.events import ReplyDelta, StageChanged, TurnCompleted, TurnEvent, TurnStarted
from talk_kit.names import new_id
from talk_kit.sse import EventStreamResponse

_DELTAS = merged_times()
_USAGE = {"input_tokens": 1, "output_tokens": len(tokens())}


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    routes = [Route("/v1/agents/{agent_name}/chat", chat, methods=["POST"]), Route("/ready", ready)]
    serve(Starlette(routes=routes), parser.parse_args().port)


async def ready(_request: Request) -> Response:
    """Always."""
    return Response(orjson.dumps({"ready": True, "checks": []}), media_type="application/json")


async def chat(request: Request) -> Response:
    """One turn as events."""
    asked = orjson.loads(await request.body())
    return EventStreamResponse(_turn(asked["session_id"], request.path_params["agent_name"]))


async def _turn(session_id: str, agent: str) -> AsyncGenerator[TurnEvent, None]:
    begun = time.perf_counter()
    yield TurnStarted(new_id(), session_id, agent)
    yield StageChanged("thinking")
    for due, text in _DELTAS:
        wait = begun + due - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        yield ReplyDelta(text)
    yield TurnCompleted(REPLY, usage=_USAGE)


if __name__ == "__main__":
    main()
