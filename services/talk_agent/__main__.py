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
        drain=app.state.service.drain,
    )


if __name__ == "__main__":
    main()
