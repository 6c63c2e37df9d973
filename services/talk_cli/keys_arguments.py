"""The options of `talk keys`. Apart from its code, which `talk --help` does without."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The command's own parser."""
    keys = commands.add_parser("keys", help="make, list and revoke API keys of callers")
    keys.set_defaults(module="keys_command")
    own = keys.add_subparsers(dest="keys_command", required=True, metavar="COMMAND")
    create = own.add_parser("create", help="make a key and print it, once")
    create.add_argument("name", metavar="NAME", help="who uses it; a second key of a name replaces a first in time")
    create.add_argument("--agent", action="append", metavar="AGENT", help="only this agent; may be repeated")
    create.add_argument("--expires", metavar="TIME", help="2027-01-31T00:00:00Z, or from now on: 12h, 90d, 26w")
    create.add_argument("--requests-per-minute", type=_whole, metavar="N", help="0 is no bound")
    create.add_argument("--concurrent-turns", type=_whole, metavar="N", help="0 is no bound")
    create.add_argument("--tokens-per-day", type=_whole, metavar="N", help="0 is no bound")
    listed = own.add_parser("list", help="names, ids and limits; no key can be shown again")
    revoke = own.add_parser("revoke", help="remove a name's keys")
    revoke.add_argument("name", metavar="NAME")
    revoke.add_argument("--id", metavar="ID", help="only the key with this id")
    secret = own.add_parser("secret", help="print the file as a Secret for kubectl apply -f -")
    secret.add_argument("--name", default="talk-keys", help="name of the Secret (%(default)s)")
    secret.add_argument("--namespace", help="its namespace")
    for each in (create, listed, revoke, secret):
        each.add_argument("--file", type=Path, default=Path("keys.json"), help="the file (%(default)s)")


def _whole(raw: str) -> int:
    if not raw.isdecimal() or len(raw) > 12:
        raise argparse.ArgumentTypeError("give a whole number from 0")
    return int(raw)
