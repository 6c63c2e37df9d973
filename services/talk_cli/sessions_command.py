"""`talk sessions`: conversations that are kept, by the agent's own code, in a process of its own.

Where nothing else is configured they are those of `talk run`: its server is asked while it runs, else it is started
for the moment.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from talk_cli.running.child import python_module
from talk_cli.running.launches import LaunchRefused
from talk_cli.running.valkey import Embedded, embedded, ping, state_dir
from talk_cli.settings import Settings
from talk_kit.settings import SettingsError, load

START_SECONDS = 20.0


def main(arguments: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> int:
    """The code of the agent's command: 0 done, 1 not found or not reached, 2 an environment that cannot be used."""
    try:
        settings = load(Settings, environ)
        with _server(settings, environ) as told:
            command = [sys.executable, "-P", "-m", "talk_agent.sessions", arguments.agent, *arguments.rest]
            return subprocess.run(command, env={**environ, **told}, check=False).returncode  # noqa: S603
    except SettingsError as error:
        lines, code = error.problems, 2
    except (LaunchRefused, OSError) as error:
        lines, code = [str(error)], 1
    for line in lines:
        print(f"talk sessions: {line}", file=sys.stderr)
    return code


@contextmanager
def _server(settings: Settings, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """What the command is told of where conversations are."""
    if settings.redis_url or settings.redis_host:
        yield {}
        return
    found = Embedded.of(state_dir(settings.state_dir, environ))
    if asyncio.run(ping(str(found.socket))):
        yield {"TALK_REDIS_URL": found.url}
        return
    started = embedded(found.folder.parent)
    if started is None:
        raise LaunchRefused("There is no valkey-server here. Set TALK_REDIS_URL.")
    spec = started.spec(environ)
    process = subprocess.Popen(python_module(spec), env=dict(spec.env))  # noqa: S603 - our own
    try:
        until = time.monotonic() + START_SECONDS
        while not asyncio.run(ping(str(started.socket))):
            if process.poll() is not None or time.monotonic() > until:
                raise LaunchRefused(f"The conversations in {started.folder} cannot be opened.")
            time.sleep(0.01)
        yield {"TALK_REDIS_URL": started.url}
    finally:
        process.terminate()
        process.wait(START_SECONDS)
