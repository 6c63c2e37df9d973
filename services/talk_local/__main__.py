"""`python -m talk_local`: offline speech and a small model on one port."""

from __future__ import annotations

import os

from talk_kit import logs, serving
from talk_kit.drain import Drain
from talk_kit.settings import load
from talk_local.app import create_app, create_deps
from talk_local.settings import Settings


def start() -> None:
    """Serves until a signal."""
    settings = load(Settings, os.environ)
    logs.configure("talk-local", settings.log_level)
    deps = create_deps(settings)

    serving.run(
        create_app(settings, deps),
        host=settings.host,
        port=settings.port,
        metrics_port=settings.metrics_port,
        drain=Drain(deps.health),
        closing_seconds=settings.drain_seconds,
    )


if __name__ == "__main__":
    serving.main("talk-local", start)
