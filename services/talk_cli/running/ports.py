"""Free ports, and who holds one that is not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from talk_cli.running.plan import LOOPBACK, Ports

FIRST_AGENT = 8081
FIRST_LOCAL = 8090
LAST = 65_535
_LISTEN = "0A"


class PortTaken(Exception):
    """The gateway's port is in use; the message names the process where it is this user's."""


def choose(host: str, gateway: int, agents: int) -> Ports:
    """Ports for all. Raises `PortTaken` for the gateway's; the others move on to the next free one."""
    if not is_free(host, gateway):
        raise PortTaken(taken(gateway))
    chosen = {gateway}
    local = _next_free(FIRST_LOCAL, chosen)
    chosen.add(local)
    listed = []
    for _ in range(agents):
        listed.append(_next_free(FIRST_AGENT, chosen))
        chosen.add(listed[-1])
    return Ports(gateway, listed, local)


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen there now."""
    any_address = host in ("*", "0.0.0.0", "::", "")  # noqa: S104
    addresses = [("0.0.0.0", socket.AF_INET)] if any_address else _addresses(host)  # noqa: S104
    return all(_can_bind(address, family, port) for address, family in addresses)


def taken(port: int) -> str:
    """What to tell about a port that is taken."""
    holder = next(_holders(port), None)
    by = f" by {holder}" if holder else ""
    return f"Port {port} is taken{by}. End it, or set TALK_PORT to another port."


def _next_free(first: int, chosen: set[int]) -> int:
    for port in range(first, LAST + 1):
        if port not in chosen and is_free(LOOPBACK, port):
            return port
    raise PortTaken(f"No port from {first} on is free.")


def _addresses(host: str) -> list[tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        raise PortTaken(f"TALK_HOST is {host!r}, which is no address of this machine.") from None
    return [(str(address[0]), family) for family, _, _, _, address in found]


def _can_bind(address: str, family: int, port: int) -> bool:
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def _holders(port: int) -> Iterator[str]:
    """`process 1234 (python -m http.server)`, from /proc; nothing on other systems."""
    inodes = set(_listening_inodes(port))
    for process in Path("/proc").glob("[0-9]*") if inodes else ():
        with suppress(OSError):
            if any(_target(link) in inodes for link in (process / "fd").iterdir()):
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
                yield f"process {process.name} ({command[:120]})" if command else f"process {process.name}"


def _target(link: Path) -> str:
    with suppress(OSError):
        return str(link.readlink())
    return ""


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text("ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    yield f"socket:[{fields[9]}]"
