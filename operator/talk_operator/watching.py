"""Runs kopf as what it is here: watches that reconnect."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Mapping, Sequence

import kopf

from talk_operator.handlers import Told, register
from talk_operator.kinds import WATCHED
from talk_operator.store import Store


def watch_settings() -> kopf.OperatorSettings:
    """kopf's settings for production; durations are seconds."""
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False  # Events are posted on transitions, by the reconciler
    settings.posting.level = logging.ERROR
    settings.scanning.disabled = True  # neither CRDs nor namespaces are watched: no cluster-wide right is needed
    settings.peering.standalone = True  # a Lease decides who works
    settings.watching.server_timeout = 290  # the API server ends a watch, and the next one begins, in good order
    settings.watching.client_timeout = 330
    settings.watching.connect_timeout = 10
    settings.watching.reconnect_backoff = 1
    settings.watching.chunk_size = 200
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 10
    settings.networking.error_backoffs = (1, 2, 4, 8, 16, 32, 60)
    settings.queueing.error_delays = (1, 2, 4, 8, 16, 32, 60)
    settings.queueing.idle_timeout = 1
    settings.process.ultimate_exiting_timeout = None
    for kind in WATCHED:
        if kind.selector:
            settings.watching.label_selectors[kind.group, kind.version, kind.plural] = kind.selector
    return settings


async def watch(namespaces: Sequence[str], store: Store, told: Told) -> None:
    """Follows the cluster until cancelled. An error that kopf does not get over ends it."""
    registry = kopf.OperatorRegistry()
    register(registry, store, told)
    existing = asyncio.all_tasks()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    tasks = await kopf.spawn_tasks(registry=registry, settings=watch_settings(), namespaces=namespaces)
    _give_back(before)
    await kopf.run_tasks(tasks, ignored=existing)
    raise RuntimeError("the watches have ended")


def _give_back(before: Mapping[signal.Signals, object]) -> None:
    """kopf takes the process's signals for itself; the server had them, and ends everything in order."""
    loop = asyncio.get_running_loop()
    for number, handler in before.items():
        if loop.remove_signal_handler(number):
            signal.signal(number, handler)  # type: ignore[arg-type]
