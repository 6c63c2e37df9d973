"""The command `talk`. Each command's code is imported when it is asked for: `talk --help` takes a blink."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence

from talk_cli.keys_arguments import add_parser

DESCRIPTION = "Voice and chat agents, on a laptop from the same YAML as on Kubernetes."


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command. 0 is success, 1 a failure that was told, 2 a command or an environment that cannot be used."""
    arguments = parser().parse_args(argv)
    command = importlib.import_module(f"talk_cli.{arguments.module}")
    try:
        return int(command.main(arguments))
    except BrokenPipeError:  # the reader of a pipe had enough
        sys.stderr.close()
        return 1


def parser() -> argparse.ArgumentParser:
    """Every command and its options."""
    root = argparse.ArgumentParser(prog="talk", description=DESCRIPTION)
    commands = root.add_subparsers(title="commands", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="start agents, gateway and what they need on this machine")
    run.add_argument("sources", nargs="*", metavar="FILE|FOLDER", help="TalkAgents (default: examples/)")
    run.set_defaults(module="run_command")
    validate = commands.add_parser("validate", help="check TalkAgent files as a cluster would")
    validate.add_argument("sources", nargs="+", metavar="FILE|FOLDER", help="files, folders, or - for standard input")
    validate.add_argument("--output", "-o", choices=["text", "json"], default="text", help="how to tell (text)")
    validate.add_argument("--values", metavar="FILE", help="the platform's values: also check what its `authors` allow")
    validate.set_defaults(module="validate_command")
    chat = commands.add_parser("chat", help="talk to an agent in the terminal")
    chat.add_argument("agent", metavar="AGENT", help="name of the agent")
    chat.add_argument("--url", default="http://localhost:8080", help="the gateway (%(default)s)")
    chat.add_argument("--key-file", metavar="FILE", help="file with the API key (else TALK_CHAT_API_KEY)")
    chat.add_argument("--session", metavar="ID", help="go on with a conversation")
    chat.add_argument("--message", "-m", metavar="TEXT", help="say this, print the answer and end; - reads it")
    chat.set_defaults(module="chat_command")
    sessions = commands.add_parser("sessions", help="list, show, export and delete conversations that are kept")
    sessions.add_argument("agent", metavar="AGENT", help="name of the agent")
    sessions.add_argument("rest", nargs="+", metavar="COMMAND", help="list, or show, export or delete SESSION")
    sessions.set_defaults(module="sessions_command")
    add_parser(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(module="version_command")
    return root


if __name__ == "__main__":
    sys.exit(main())
