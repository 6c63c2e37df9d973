"""CPU of the agent per streamed token: ADK's own OpenAI class, ours without merging, ours as it ships.

    python -m bench.token_cpu [--streams 50] [--tokens 60] [--rounds 3]

Each row runs in a process of its own through ADK's Runner, against one fake provider in another process (200 ms to
the first token, then 25 ms a token), so that the figure is the agent's alone. Bar: 0.45 ms at 50 streams.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import logging
import statistics
import subprocess
import sys
import time
from typing import Any

FIRST_SECONDS = 0.2
TOKEN_SECONDS = 0.025
ROWS = {
    "adk": "ADK's own OpenAI class",
    "plain": "Talk's class, no merging",
    "merged": "Talk's class",
}


def main() -> None:
    """Runs one side where told to, else the whole comparison."""
    options = _options()
    if options.serve:
        asyncio.run(_serve(options.tokens))
    elif options.row:
        print(json.dumps(asyncio.run(_measure(options))))
    else:
        _compare(options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=50)
    parser.add_argument("--tokens", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--row", choices=ROWS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _compare(options: argparse.Namespace) -> None:
    size = [f"--streams={options.streams}", f"--tokens={options.tokens}", f"--rounds={options.rounds}"]
    command = [sys.executable, "-m", "bench.token_cpu", *size]
    rows: dict[str, dict[str, float]] = {}
    with subprocess.Popen([*command, "--serve"], stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            for row in _rows():
                done = subprocess.run([*command, f"--row={row}", f"--url={url}"], check=True, capture_output=True)
                rows[row] = json.loads(done.stdout.splitlines()[-1])
        finally:
            server.terminate()
    print(json.dumps({"streams": options.streams, "tokens": options.tokens, "rows": rows}))
    print(f"{'':26} {'ms CPU/token':>12} {'events/turn':>12} {'first p50':>10} {'total p50':>10}")
    for row, figures in rows.items():
        cpu, events, first, total = (figures[n] for n in ("cpu_ms_per_token", "events", "first_ms", "total_ms"))
        print(f"{ROWS[row]:26} {cpu:12.3f} {events:12.1f} {first:7.0f} ms {total:7.0f} ms")


def _rows() -> list[str]:
    has_openai = importlib.util.find_spec("openai") is not None
    return [row for row in ROWS if row != "adk" or has_openai]


async def _serve(tokens: int) -> None:
    from tests.fakes.llm import FakeLlm, paced

    async with FakeLlm() as llm:
        llm.default = paced(tokens, first=FIRST_SECONDS, each=TOKEN_SECONDS)
        print(llm.url, flush=True)
        await asyncio.Event().wait()


async def _measure(options: argparse.Namespace) -> dict[str, float]:
    from talk_kit.http_client import HttpPool

    logging.disable(logging.CRITICAL)
    async with HttpPool() as pool:
        turns = _Turns(_model(options.row, options.url, pool))
        await turns.run("warm-up")
        rounds = [await _round(turns, options) for _ in range(options.rounds)]
    return {name: round(statistics.median(figures[name] for figures in rounds), 4) for name in rounds[0]}


async def _round(turns: _Turns, options: argparse.Namespace) -> dict[str, float]:
    started, cpu = time.monotonic(), time.process_time()
    async with asyncio.TaskGroup() as group:
        running = [group.create_task(turns.run(f"{started}-{n}")) for n in range(options.streams)]
    cpu = time.process_time() - cpu
    done = [task.result() for task in running]
    if any(words != options.tokens for _, _, _, words in done):
        raise SystemExit("a turn lost tokens")
    return {
        "cpu_ms_per_token": 1000 * cpu / options.streams / options.tokens,
        "events": statistics.mean(events for events, _, _, _ in done),
        "first_ms": 1000 * statistics.median(first for _, first, _, _ in done),
        "total_ms": 1000 * statistics.median(total for _, _, total, _ in done),
    }


def _model(row: str, url: str, pool: Any) -> Any:
    if row == "adk":
        from google.adk.integrations.openai import OpenAILlm

        return OpenAILlm(model="m", base_url=url, api_key="x")
    from talk_agent.models.openai_compatible import OpenAICompatibleLlm
    from talk_agent.models.options import ModelOptions

    options = ModelOptions("openai/m", url)
    return OpenAICompatibleLlm.of(options, pool) if row == "merged" else _unmerged(options, pool)


def _unmerged(options: Any, pool: Any) -> Any:
    """Each token goes to ADK as it comes."""
    from google.adk.models.base_llm import BaseLlm

    from talk_agent.models import messages
    from talk_agent.models.chunks import ChatStream
    from talk_agent.models.openai_compatible import OpenAICompatibleLlm
    from talk_agent.models.reply import responses

    inner = OpenAICompatibleLlm.of(options, pool)

    class Unmerged(BaseLlm):
        async def generate_content_async(self, llm_request: Any, stream: bool = False) -> Any:
            reader = ChatStream(messages.call_ids(llm_request))

            async def pieces() -> Any:
                async for batch in inner._batches(llm_request, reader):
                    for piece in batch:
                        yield piece
                for piece in reader.end():
                    yield piece

            async for answer in responses(pieces(), llm_request, model="m", stream=stream):
                yield answer

    return Unmerged(model="m")


class _Turns:
    """ADK's Runner as the agent uses it."""

    def __init__(self, model: Any) -> None:
        from google.adk.agents import LlmAgent
        from google.adk.agents.run_config import RunConfig, StreamingMode  # type: ignore[attr-defined]
        from google.adk.runners import Runner
        from google.adk.sessions import InMemorySessionService

        agent = LlmAgent(name="bot", model=model, instruction="Answer.")
        sessions = InMemorySessionService()
        self._runner = Runner(app_name="bench", agent=agent, session_service=sessions, auto_create_session=True)
        self._config = RunConfig(streaming_mode=StreamingMode.SSE)

    async def run(self, session: str) -> tuple[int, float, float, int]:
        """Events, seconds to the first text, seconds in all, words."""
        from google.genai import types

        begun, first, events, words = time.monotonic(), 0.0, 0, 0
        message = types.Content(role="user", parts=[types.Part(text="Hello")])
        async for event in self._runner.run_async(
            user_id=session, session_id=session, new_message=message, run_config=self._config
        ):
            events += 1
            if event.partial and event.content and event.content.parts:
                first = first or time.monotonic() - begun
                words += len((event.content.parts[0].text or "").split())
        return events, first, time.monotonic() - begun, words


if __name__ == "__main__":
    main()
