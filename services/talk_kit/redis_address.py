"""Where Redis is, from one URL or from parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from redis.asyncio.connection import AbstractConnection

Command = Sequence[str | bytes | int]

# Seconds until a connection stands, TLS included.
CONNECT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """A server, and who asks. With `path` it is a Unix socket."""

    host: str = "localhost"
    port: int = 6379
    path: str = ""
    tls: bool = False
    ca_file: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    db: int = 0

    def __str__(self) -> str:
        """For people: without user and password."""
        if self.path:
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    def connection(self) -> AbstractConnection:
        """A connection that is not open yet, and tries each thing once, without a bound of its own."""
        kind, options = self.options()
        return kind(**options)

    def options(self) -> tuple[type[AbstractConnection], dict[str, Any]]:
        """The class of connections, and what each is made with, as redis-py's own pools take them.

        With a `socket_timeout` it would send by `asyncio.wait_for`, which swallows a cancel on Python 3.11.
        """
        # Imported when used: settings are read, and refused, without it.
        from redis.asyncio.connection import Connection, SSLConnection, UnixDomainSocketConnection
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff

        shared: dict[str, Any] = {
            "db": self.db,
            "username": self.user or None,
            "password": self.password or None,
            "socket_timeout": None,
            "socket_connect_timeout": CONNECT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
            "driver_info": None,
        }
        if self.path:
            return UnixDomainSocketConnection, {"path": self.path, **shared}
        if self.tls:
            return SSLConnection, {"host": self.host, "port": self.port, "ssl_ca_certs": self.ca_file or None, **shared}
        return Connection, {"host": self.host, "port": self.port, **shared}


async def exchange(connection: AbstractConnection, commands: Sequence[Command]) -> list[Any]:
    """Sends all, then reads every answer; an answer may be a ResponseError. It has no bound of its own."""
    from redis.exceptions import ResponseError

    await connection.send_packed_command(connection.pack_commands(commands), check_health=False)
    answers: list[Any] = []
    for _ in commands:
        try:
            answers.append(await connection.read_response())
        except ResponseError as error:
            answers.append(error)
    return answers


class InvalidAddress(ValueError):
    """The URL cannot be used; the sentence says why, without repeating it: it may hold a password."""


def parse_redis_url(url: str) -> RedisAddress:
    """`redis://`, `rediss://` and `unix://`, with user, password and database, percent-encoded where needed."""
    parts = _split(url)
    query = parse_qs(parts.query)
    unknown = sorted(set(query) - {"db"})
    if unknown:
        raise InvalidAddress(f"the URL may have ?db=N, and no {', '.join(unknown)}")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if parts.scheme == "unix":
        if not parts.path:
            raise InvalidAddress("give the socket's path: unix:///path/to/socket")
        db = _database(query.get("db", ["0"])[0])
        return RedisAddress(path=unquote(parts.path), user=user, password=password, db=db)
    db = _database(query.get("db", [parts.path.strip("/") or "0"])[0])
    return RedisAddress(
        host=unquote(parts.hostname or "localhost"),
        port=parts.port or 6379,
        tls=parts.scheme == "rediss",
        user=user,
        password=password,
        db=db,
    )


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        readable = parts.scheme in ("redis", "rediss", "unix") and parts.port != 0
    except ValueError:
        readable = False
    if not readable:
        raise InvalidAddress(
            "give redis://, rediss:// or unix://, and a password with signs such as # @ / : % in TALK_REDIS_PASSWORD"
        )
    if parts.fragment or "@" in unquote(parts.path):
        raise InvalidAddress("the password has signs that end a URL; give it in TALK_REDIS_PASSWORD instead")
    return parts


def _database(raw: str) -> int:
    if not raw.isdecimal():
        raise InvalidAddress("the database is a number")
    return int(raw)
