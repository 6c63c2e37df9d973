"""`talk run`: agents, gateway and what they need, on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import os
import secrets
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

from talk_cli.running.child import Command, python_module
from talk_cli.running.console import Console
from talk_cli.running.launches import LaunchRefused, launches, running, write_directory
from talk_cli.running.plan import ChildSpec, IdentityFiles, plan
from talk_cli.running.ports import PortTaken, choose
from talk_cli.running.readiness import http_probe
from talk_cli.running.supervisor import Supervisor, on_signals
from talk_cli.running.valkey import Embedded, embedded, probe_with, state_dir
from talk_cli.settings import Settings
from talk_kit.names import canonical_agent_name
from talk_kit.settings import SettingsError, load
from talk_kit.talkagent import Agents, InvalidFiles, read_agents

EXAMPLES = Path("examples")


def main(arguments: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> int:
    """0 after Ctrl-C; 1 when files, ports or a process stand in the way; 2 when the settings do."""
    try:
        settings = load(Settings, environ)
        agents = read_agents(arguments.sources or [_examples()], environ=environ)
        check_startable(settings, agents)
        with tempfile.TemporaryDirectory(prefix="talk-") as folder:
            return asyncio.run(supervise(prepare(settings, environ, agents, Path(folder)), settings, environ))
    except SettingsError as error:
        return _told(error.problems, 2)
    except InvalidFiles as error:
        return _told(map(str, error.problems), 1)
    except (PortTaken, LaunchRefused) as error:
        return _told([str(error)], 1)


def check_startable(settings: Settings, agents: Agents) -> None:
    """Raises `LaunchRefused` when no agent runs, not the one of TALK_DEFAULT_AGENT, or one without any model."""
    names = [agent.name for agent in running(agents)]
    if not names:
        raise LaunchRefused("Every agent is suspended; there is nothing to run.")
    wanted = settings.default_agent
    if wanted and canonical_agent_name(wanted) not in names:
        raise LaunchRefused(f"TALK_DEFAULT_AGENT is {wanted!r}; the agents are: {', '.join(names)}.")
    unnamed = [agent.name for agent in running(agents) if agent.spec.model is None]
    if unnamed and settings.has_model and not settings.has_model_name:
        raise LaunchRefused(
            f"TALK_MODEL is not set, and {unnamed[0]} names no model. Set it to a model of the provider."
        )


def prepare(settings: Settings, environ: Mapping[str, str], agents: Agents, folder: Path) -> list[ChildSpec]:
    """Writes the agents' files, chooses ports, and plans the processes."""
    for problem in agents.problems:
        print(problem, file=sys.stderr)
    settings = dataclasses.replace(settings, log_hash_key=settings.log_hash_key or secrets.token_hex(16))
    launched = launches(agents, folder)
    ports = choose(settings.host, settings.port, len(launched))
    sessions = session_server(settings, environ)
    if sessions is not None:
        environ = {**environ, "TALK_REDIS_URL": sessions.url}
    planned = plan(settings, environ, launched, write_directory(agents, folder), ports, write_identity(folder))
    return [sessions.spec(environ), *planned] if sessions is not None else planned


def write_identity(folder: Path) -> IdentityFiles:
    """A pair of keys for as long as these processes live, so that agents answer their own gateway only."""
    from talk_kit.identity_pair import ensure_pair  # 70 ms that `talk --help` does without

    files = IdentityFiles(folder / "identity.pem", folder / "identity.pub")
    ensure_pair(files.private, files.public)
    return files


def session_server(settings: Settings, environ: Mapping[str, str]) -> Embedded | None:
    """The server that keeps conversations; None where one is configured, or none can be had."""
    if settings.redis_url or settings.redis_host:
        return None
    state = state_dir(settings.state_dir, environ)
    server = embedded(state)
    if server is None:
        print(
            "talk run: there is no valkey-server here, so conversations are kept in memory and end with this command. "
            "Install Valkey, or set TALK_REDIS_URL.",
            file=sys.stderr,
        )
    return server


async def supervise(
    specs: Sequence[ChildSpec], settings: Settings, environ: Mapping[str, str], command: Command = python_module
) -> int:
    """Runs the processes until a signal."""
    console = Console(sys.stdout, environ, [spec.name for spec in specs])
    for spec in specs:
        console.say(f"{spec.name} on {spec.url}")
    async with httpx.AsyncClient(trust_env=False) as client:
        ready = f"Talk is ready: http://{_shown(settings.host)}:{settings.port}"
        supervisor = Supervisor(specs, console, probe_with(http_probe(client)), ready, command)
        on_signals(asyncio.get_running_loop(), supervisor.stop)
        return await supervisor.run()


def _shown(host: str) -> str:
    return "localhost" if host in ("127.0.0.1", "localhost", "*", "0.0.0.0", "::", "::1") else host  # noqa: S104


def _examples() -> Path:
    """The examples of the current folder, or those beside this source tree."""
    beside = Path(__file__).parents[2] / EXAMPLES
    return EXAMPLES if EXAMPLES.is_dir() or not beside.is_dir() else beside


def _told(lines: object, code: int) -> int:
    for line in lines:  # type: ignore[attr-defined]
        print(f"talk run: {line}", file=sys.stderr)
    return code
