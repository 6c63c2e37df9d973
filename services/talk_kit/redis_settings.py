"""Where Redis is, as agents and gateways are told alike."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from talk_kit.redis_address import RedisAddress, parse_redis_url
from talk_kit.settings import SettingsError, boolean, integer, setting


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """One URL, or parts: a password with signs such as # breaks a URL."""

    redis_url: RedisAddress | None = setting(  # noqa: RUF009 - frozen, as all settings
        "TALK_REDIS_URL",
        None,
        doc="Redis: redis://, rediss:// or unix://, with user, password and database. Without it, and without "
        "TALK_REDIS_HOST, an agent keeps sessions in memory, and a gateway counts in memory.",
        parse=parse_redis_url,
        secret=True,
    )
    redis_host: str | None = setting("TALK_REDIS_HOST", None, doc="Redis, in place of TALK_REDIS_URL.")
    redis_port: int | None = setting(
        "TALK_REDIS_PORT", None, doc="Port of TALK_REDIS_HOST; 6379 when not set.", parse=integer(1, 65535)
    )
    redis_tls: bool = setting("TALK_REDIS_TLS", False, doc="TLS to TALK_REDIS_HOST.", parse=boolean)
    redis_ca_file: str | None = setting(
        "TALK_REDIS_CA_FILE", None, doc="Authorities that sign Redis' certificate (PEM), where the system has none."
    )
    redis_user: str | None = setting("TALK_REDIS_USER", None, doc="User of Redis, where it has users.")
    redis_password: str | None = setting(
        "TALK_REDIS_PASSWORD", None, doc="Redis' password, as it is: no sign needs to be escaped.", secret=True
    )
    redis_password_file: Path | None = setting(  # noqa: RUF009 - frozen, as all settings
        "TALK_REDIS_PASSWORD_FILE", None, doc="File with Redis' password, in place of TALK_REDIS_PASSWORD.", parse=Path
    )
    redis_db: int | None = setting(
        "TALK_REDIS_DB", None, doc="Number of the database; 0 when not set.", parse=integer(0, 1_000_000)
    )

    def redis(self) -> RedisAddress | None:
        """Where Redis is; None keeps sessions in memory. SettingsError where the variables contradict each other."""
        if self.redis_url and self.redis_host:
            raise SettingsError(["TALK_REDIS_URL and TALK_REDIS_HOST are both set; unset one of them."])
        if not self.redis_url and not self.redis_host:
            if alone := self._redis_parts():
                raise SettingsError([f"{alone[0]} is set, and neither TALK_REDIS_HOST nor TALK_REDIS_URL is."])
            return None
        address = self.redis_url or RedisAddress(host=self.redis_host or "", port=self.redis_port or 6379)
        return replace(
            address,
            tls=address.tls or self.redis_tls,
            ca_file=self.redis_ca_file or "",
            user=self.redis_user or address.user,
            password=self._redis_password() or address.password,
            db=address.db if self.redis_db is None else self.redis_db,
        )

    def _redis_password(self) -> str:
        if self.redis_password_file is None:
            return self.redis_password or ""
        if self.redis_password:
            raise SettingsError(["TALK_REDIS_PASSWORD and TALK_REDIS_PASSWORD_FILE are both set; unset one of them."])
        try:
            found = self.redis_password_file.read_text("utf-8").strip()
        except (OSError, UnicodeError) as error:
            raise SettingsError([f"TALK_REDIS_PASSWORD_FILE cannot be read: {type(error).__name__}"]) from None
        if not found:
            raise SettingsError(["TALK_REDIS_PASSWORD_FILE is empty."])
        return found

    def _redis_parts(self) -> list[str]:
        parts = {
            "TALK_REDIS_PORT": self.redis_port,
            "TALK_REDIS_TLS": self.redis_tls,
            "TALK_REDIS_USER": self.redis_user,
            "TALK_REDIS_PASSWORD": self.redis_password,
            "TALK_REDIS_PASSWORD_FILE": self.redis_password_file,
        }
        return [name for name, value in parts.items() if value]
