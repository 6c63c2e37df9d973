"""JSON logs: one line an event on standard output, with the request's id, agent and session.

Text of messages and secrets are never logged. A session id is a capability (who knows it can go on with the
conversation), so it appears as a keyed hash: the same within one deployment, worthless outside.
"""

from __future__ import annotations

import functools
import hashlib
import hmac
import io
import logging
import os
import sys
from typing import Any

import orjson
import structlog

_hash_key = os.urandom(16)


class _StandardOutput(io.StringIO):
    """Whatever standard output is when a line is written, rather than when logging was set up."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


def configure(service: str, level: str = "info", hash_key: str = "") -> None:
    """Sends structlog's and the standard library's events to standard output as JSON. `level` is a word.

    `hash_key` keys the hash of session ids: processes that share it name a session alike. Without one each
    process draws its own.
    """
    global _hash_key  # noqa: PLW0603 - logging is one per process, as the standard library's is
    _hash_key = hash_key.encode() or _hash_key
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
        structlog.processors.EventRenamer("message"),
        functools.partial(_add_service, service),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer(serializer=_dumps)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(_StandardOutput()),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(_StandardOutput())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for noisy in ("uvicorn.access", "httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def get_logger(name: str) -> structlog.typing.FilteringBoundLogger:
    """A logger for one module: `log.info("turn_completed", seconds=1.2)`. The event is a fixed word."""
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger(module=name)
    return logger


def session_hash(session_id: str) -> str:
    """16 hex digits that stand for a session in logs."""
    return hmac.new(_hash_key, session_id.encode(), hashlib.sha256).hexdigest()[:16]


def _dumps(event: Any, default: Any = None, **_: Any) -> str:
    return orjson.dumps(event, default=default or repr, option=orjson.OPT_NON_STR_KEYS).decode()


def _add_service(service: str, _logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    event["service"] = service
    return event
