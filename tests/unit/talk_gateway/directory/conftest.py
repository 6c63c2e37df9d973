"""A directory that watches a small Kubernetes API on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest
from lightkube import KubeConfig
from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster, User

from talk_gateway.directory.kubernetes import KubernetesDirectory
from talk_kit.http_client import HttpPool
from tests.fakes.kube_api import FakeKubeApi
from tests.fakes.serving import serve
from tests.fakes.waiting import eventually

StartDirectory = Callable[..., AbstractAsyncContextManager[KubernetesDirectory]]


def config_of(url: str, namespace: str = "talk") -> SingleConfig:
    """A cluster at that URL."""
    config = KubeConfig.from_one(cluster=Cluster(server=url), user=User(token="canary-token"), namespace=namespace)
    found = config.get()
    assert found is not None
    return found


@asynccontextmanager
async def start(api: FakeKubeApi, *, wait: bool = True, **options: Any) -> AsyncIterator[KubernetesDirectory]:
    """Watching, and with `wait` after the first lists."""
    async with serve(api.app()) as url, HttpPool() as pool:
        directory = KubernetesDirectory(config_of(url), **{"pace": 0.01, "shorten": 0.02, **options})
        async with directory.running(pool):
            if wait:
                await eventually(lambda: directory._synced and api.watching == len(directory._watches))
            yield directory


@pytest.fixture
def api() -> FakeKubeApi:
    """Empty."""
    return FakeKubeApi()


@pytest.fixture
def start_directory() -> StartDirectory:
    """The function."""
    return start
