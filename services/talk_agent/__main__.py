"""`python -m talk_agent`: one agent, from its file and the environment."""

from __future__ import annotations

import os

from talk_agent.dependencies import read_dependencies
from talk_agent.garbage import pause
from talk_agent.settings import Settings
from talk_kit import logs, tracing
from talk_kit.serving import main as serve
from talk_kit.serving import run
from talk_kit.settings import load

# Beyond a turn's own drain: what is left to write, and to close.
CLOSING_SECONDS = 5.0


def main() -> None:
    """Runs the agent until a signal."""
    serve("talk-agent", _start)


def _start() -> None:
    pause()
    settings = load(Settings, os.environ)
    logs.configure("talk-agent", settings.log_level, settings.log_hash_key)
    deps = read_dependencies(settings, os.environ)

    from talk_agent.app import create_app  # ADK comes in here

    app = create_app(settings, deps)
    tracing.configure("talk-agent", app, os.environ)
    run(
        app,
        host=settings.host,
        port=settings.port,
        metrics_port=settings.metrics_port,
        drain_seconds=deps.agent.spec.drain_seconds + CLOSING_SECONDS,
        endpoint_delay=settings.endpoint_delay,
        on_drain=app.state.service.drain.begin,
    )


if __name__ == "__main__":
    main()
