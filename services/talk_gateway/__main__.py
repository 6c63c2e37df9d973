"""Starts the gateway: `python -m talk_gateway`."""

from __future__ import annotations

import gc
import os

from talk_gateway.app import create_app
from talk_gateway.deps import build_deps
from talk_gateway.settings import read
from talk_kit import logs, serving, tracing


def start() -> None:
    """Reads the settings, builds the app and serves it until a signal."""
    settings = read(os.environ)
    logs.configure("talk-gateway", settings.log_level, settings.log_hash_key)
    app = create_app(settings, build_deps(settings))
    tracing.configure("talk-gateway", app, os.environ)
    gc.collect()
    gc.freeze()
    serving.run(
        app,
        host=settings.host,
        port=settings.port,
        metrics_port=settings.metrics_port,
        drain=app.state.drain,
        connections=settings.connections,
    )


if __name__ == "__main__":
    serving.main("talk-gateway", start)
