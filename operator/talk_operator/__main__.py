"""`python -m talk_operator`: one replica of the operator."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

from talk_kit import logs
from talk_kit.drain import Drain
from talk_kit.serving import main as serve
from talk_kit.serving import run
from talk_kit.settings import SettingsError, load
from talk_operator.api import Api
from talk_operator.app import create_app
from talk_operator.config import read_config
from talk_operator.readiness import Readiness
from talk_operator.runtime import Dependencies
from talk_operator.settings import Settings

# A reconciliation is cancelled between two writes; there is nothing to finish.
CLOSING_SECONDS = 5.0


def main() -> None:
    """Runs the operator until a signal."""
    serve("talk-operator", _start)


def _start() -> None:
    settings = load(Settings, os.environ)
    logs.configure("talk-operator", settings.log_level)
    config = read_config(Path(settings.config_file)).never(settings.api_server)
    if config.redisSecret.name and settings.redis() is None:
        raise SettingsError(["TALK_REDIS_HOST is not set, and the configuration's redisSecret is."])
    identity = f"{socket.gethostname()}_{secrets.token_hex(4)}"
    app = create_app(settings, Dependencies(config, Api(), Readiness(), identity))
    run(
        app,
        host=settings.host,
        port=settings.port,
        metrics_port=settings.metrics_port,
        drain=Drain(app.state.operator.health),
        closing_seconds=CLOSING_SECONDS,
    )


if __name__ == "__main__":
    main()
