"""List, then watch, for ever: one kind of object in one namespace."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, cast

import httpx2
from lightkube import AsyncClient, operators
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.generic_resource import GenericNamespacedResource, create_namespaced_resource

from talk_gateway.directory.client import WATCH_SECONDS
from talk_gateway.directory.cluster import Cluster, Kind
from talk_gateway.directory.facts import AGENT_LABEL, Key
from talk_kit.logs import get_logger

log = get_logger(__name__)

FIRST_BACK_OFF_SECONDS = 0.5
# A gateway that knows nothing new for longer than this after an outage would send turns to pods that are gone.
LONGEST_BACK_OFF_SECONDS = 10.0
LIST_SECONDS = 60.0
GONE = 410
# What ran for so long was sound: the next failure is a new one (seconds).
STEADY_SECONDS = 30.0

RESOURCES = {
    Kind.AGENT: create_namespaced_resource("talk.dwani.ai", "v1alpha1", "TalkAgent", "talkagents"),
    Kind.SLICE: create_namespaced_resource("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
}
LABELS = {Kind.AGENT: None, Kind.SLICE: {AGENT_LABEL: operators.exists()}}


def back_off(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures in a row, `chance` from 0 to 1: gateways do not come back in step."""
    longest = min(LONGEST_BACK_OFF_SECONDS, FIRST_BACK_OFF_SECONDS * 2.0 ** min(failures - 1, 16))
    return longest * (0.5 + chance / 2)


class Watch:
    """Tells `cluster` what there is, and `changed` which agents are concerned.

    What was told stays when the API cannot be reached; any failure is followed by a pause and a new list.
    """

    def __init__(
        self, cluster: Cluster, kind: Kind, namespace: str, changed: Callable[[set[Key]], None], *, shorten: float = 1.0
    ) -> None:
        self._cluster = cluster
        self._kind = kind
        self._changed = changed
        self._shorten = shorten
        self.namespace = namespace
        self.synced = False
        self.failure = ""

    @property
    def name(self) -> str:
        """For logs and health."""
        return f"{self._kind.value} in {self.namespace}"

    async def run(self, client: AsyncClient) -> None:
        """Cancel it to end it."""
        failures = 0
        while True:
            begun = time.monotonic()
            self.failure = await self._attempt(client)
            failures = 1 if time.monotonic() - begun > STEADY_SECONDS else failures + 1
            # Chance only spreads the load.
            pause = round(back_off(failures, random.random()) * self._shorten, 3)  # noqa: S311
            if self.failure:
                log.warning("watch_failed", watch=self.name, reason=self.failure, failures=failures, pause=pause)
            else:
                log.info("watch_expired", watch=self.name)
            await asyncio.sleep(pause)

    async def _attempt(self, client: AsyncClient) -> str:
        """Lists and watches until that fails; why, as one sentence without the other side's words.

        Empty where the version grew too old to go on from, which is ordinary.
        """
        try:
            await self._follow(client, await self._list(client))
        except httpx2.HTTPStatusError as error:
            status = _status(error)
            return "" if status == GONE else f"The Kubernetes API answered {status}."
        except (httpx2.HTTPError, TimeoutError, OSError) as error:
            log.debug("watch_error", watch=self.name, error=repr(error))
            return "The Kubernetes API cannot be reached."
        except ConfigError:
            return "The token of the service account cannot be read."
        except Exception:
            log.exception("watch_broken", watch=self.name)
            return "An answer of the Kubernetes API cannot be read; see the log."
        return "The Kubernetes API ended the watch."

    async def _list(self, client: AsyncClient) -> str:
        """Takes the list over, whole, and gives the version that the watch starts from."""
        async with asyncio.timeout(LIST_SECONDS):
            listed = client.list(self._resource, namespace=self.namespace, labels=self._labels)
            documents = [cast(dict[str, Any], each) async for each in listed]
        self._changed(self._cluster.replace(self._kind, self.namespace, documents))
        self.synced, self.failure = True, ""
        return listed.resourceVersion

    async def _follow(self, client: AsyncClient, version: str) -> None:
        events = client.watch(
            self._resource,
            namespace=self.namespace,
            labels=self._labels,
            resource_version=version,
            server_timeout=WATCH_SECONDS,
        )
        async with aclosing(events):  # type: ignore[type-var]
            async for event, document in events:
                self._changed(self._cluster.apply(self._kind, event, cast(dict[str, Any], document)))

    @property
    def _resource(self) -> type[GenericNamespacedResource]:
        return RESOURCES[self._kind]

    @property
    def _labels(self) -> Any:
        return LABELS[self._kind]


def _status(error: httpx2.HTTPStatusError) -> int:
    """The status of an answer, or that of an error within a watch, which comes without one."""
    if isinstance(error, ApiError) and error.status is not None:
        return error.status.code or 0
    return error.response.status_code
