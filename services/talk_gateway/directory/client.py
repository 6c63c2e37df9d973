"""The connection to the Kubernetes API, bounded where lightkube waits without an end."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time

import httpx2
from lightkube import AsyncClient, KubeConfig
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import SingleConfig
from lightkube.core.exceptions import ConfigError

from talk_kit.cluster_trust import trusting_cluster
from talk_kit.settings import SettingsError

REQUEST_SECONDS = 10.0
# The API server ends a watch after so long, and it goes on from where it was (seconds).
WATCH_SECONDS = 300
# A watch that is silent for longer than it may last has lost its server.
WATCH_SILENCE_SECONDS = WATCH_SECONDS + 15.0
# Least time between two watches of one kind: lightkube begins the next one at once.
PACE_SECONDS = 1.0


def cluster_config() -> SingleConfig:
    """The service account of this pod, or else KUBECONFIG. SettingsError where there is neither."""
    try:
        config = KubeConfig.from_env().get()
    except (ConfigError, OSError, KeyError, ValueError) as error:
        raise SettingsError([f"TALK_DIRECTORY is kubernetes, and no cluster is configured: {error}"]) from error
    if config is None or config.user is None:
        raise SettingsError(["TALK_DIRECTORY is kubernetes, and the configuration names no cluster or no user."])
    return config


def connect(config: SingleConfig, *, pace: float = PACE_SECONDS) -> AsyncClient:
    """A client that opens its connections when it is used. Close it with `close`."""
    context = verify_cluster(config.cluster, config.user, config.abs_file) if config.user else True
    transport = _Transport(trusting_cluster(context), pace)
    return AsyncClient(config, timeout=httpx2.Timeout(REQUEST_SECONDS), transport=transport)


class _Transport(httpx2.AsyncHTTPTransport):
    """Bounds the silence of a watch, spaces the watches of one path, and asks for bookmarks.

    Without bookmarks the version of a quiet kind grows too old within one watch, and each is followed by a list.
    """

    def __init__(self, context: ssl.SSLContext | bool, pace: float) -> None:
        super().__init__(verify=context, socket_options=_keep_alive())
        self._pace = pace
        self._next: dict[str, float] = {}

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.params.get("watch") == "true":
            timeout = {**request.extensions.get("timeout", {}), "read": WATCH_SILENCE_SECONDS}
            request.extensions = {**request.extensions, "timeout": timeout}
            request.url = request.url.copy_merge_params({"allowWatchBookmarks": "true"})
            await self._wait(request.url.path)
        return await super().handle_async_request(request)

    async def _wait(self, path: str) -> None:
        now = time.monotonic()
        begin = max(now, self._next.get(path, now))
        self._next[path] = begin + self._pace
        await asyncio.sleep(begin - now)


def _keep_alive() -> list[tuple[int, int, int]]:
    """A server that died without a word is noticed after 25 s (Linux; elsewhere by the bound of silence)."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 10), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
