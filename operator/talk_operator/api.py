"""The API server, as the operator uses it: the only place that knows lightkube. Objects are plain dicts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx2
from lightkube.config.client_adapter import verify_cluster
from lightkube.config.kubeconfig import KubeConfig, SingleConfig
from lightkube.core.async_client import AsyncClient
from lightkube.core.exceptions import ApiError
from lightkube.operators import exists
from lightkube.types import CascadeType, PatchType

from talk_kit.cluster_trust import trusting_cluster
from talk_operator import metrics
from talk_operator.config import Object
from talk_operator.kinds import EVENT, FIELD_MANAGER, LEASE, TALK_AGENT, Kind

# Seconds: longest wait for an answer of the API server. Objects of one page of a listing.
TIMEOUT = 10.0
PAGE = 200


class ApiFailed(Exception):
    """The API server did not do it. `code` is its HTTP status, 0 when it could not be reached."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code

    @property
    def refused(self) -> bool:
        """Whether the object, and not the moment, is the reason: quota, policy, validation."""
        return self.code in (400, 403, 405, 413, 422)


def _transport(config: SingleConfig | None) -> httpx2.AsyncBaseTransport | None:
    if config is None or config.user is None:
        return None
    verify = verify_cluster(config.cluster, config.user, config.abs_file)
    return httpx2.AsyncHTTPTransport(verify=trusting_cluster(verify))


class Api:
    """Reads and writes of namespaced objects. Every failure is `ApiFailed`."""

    def __init__(self, config: SingleConfig | None = None, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        known = config or KubeConfig.from_env().get()
        self._client = AsyncClient(
            config=known,
            timeout=httpx2.Timeout(TIMEOUT),
            transport=transport or _transport(known),
            field_manager=FIELD_MANAGER,
        )

    @property
    def namespace(self) -> str:
        """Where this process runs, or what the kubeconfig says."""
        return str(self._client.namespace or "default")

    async def close(self) -> None:
        """Closes every connection."""
        await self._client.close()

    async def apply(self, kind: Kind, obj: Mapping[str, Any], *, manager: str = FIELD_MANAGER, force: bool) -> Object:
        """Server-side apply. Without `force` a field that another manager holds is a 409."""
        meta = obj["metadata"]
        metrics.WRITES.labels(kind.name, "apply").inc()
        with _request("PATCH"):
            made: Object = await self._client.patch(
                kind.resource,
                meta["name"],
                kind.resource(obj),
                namespace=meta["namespace"],
                patch_type=PatchType.APPLY,
                field_manager=manager,
                force=force,
            )
        return {**kind.head, **made}

    async def apply_status(self, namespace: str, name: str, status: Mapping[str, Any]) -> Object:
        """Writes the status of a TalkAgent; what is not in it goes."""
        metrics.WRITES.labels(TALK_AGENT.name, "status").inc()
        obj = {**TALK_AGENT.head, "metadata": {"name": name, "namespace": namespace}, "status": status}
        resource = TALK_AGENT.resource.Status
        with _request("PATCH"):
            made: Object = await self._client.patch(
                resource,
                name,
                resource(obj),
                namespace=namespace,
                patch_type=PatchType.APPLY,
                field_manager=FIELD_MANAGER,
                force=True,
            )
        return {**TALK_AGENT.head, **made}

    async def delete(self, kind: Kind, namespace: str, name: str) -> None:
        """Deletes an object; one that is gone is no error."""
        metrics.WRITES.labels(kind.name, "delete").inc()
        try:
            with _request("DELETE"):
                await self._client.delete(kind.resource, name, namespace=namespace, cascade=CascadeType.BACKGROUND)
        except ApiFailed as failed:
            if failed.code != 404:
                raise

    async def list(self, kind: Kind, namespace: str) -> AsyncIterator[Object]:
        """Every object of a kind that the operator watches, page by page."""
        with _request("GET"):
            async for obj in self._client.list(
                kind.resource, namespace=namespace, chunk_size=PAGE, labels=_selecting(kind.selector)
            ):
                yield {**kind.head, **obj}

    async def event(self, obj: Mapping[str, Any], kind: str, reason: str, message: str) -> None:
        """Posts an Event about an object; `kind` is Normal or Warning."""
        meta = obj["metadata"]
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        body = {
            **EVENT.head,
            "metadata": {"name": f"{meta['name']}.{time.time_ns():x}", "namespace": meta["namespace"]},
            "involvedObject": {
                "apiVersion": obj["apiVersion"],
                "kind": obj["kind"],
                **{name: meta[name] for name in ("name", "namespace", "uid") if name in meta},
            },
            "type": kind,
            "reason": reason,
            "message": message[:1024],
            "source": {"component": FIELD_MANAGER},
            "reportingComponent": FIELD_MANAGER,
            "firstTimestamp": at,
            "lastTimestamp": at,
            "count": 1,
        }
        metrics.WRITES.labels(EVENT.name, "create").inc()
        with _request("POST"):
            await self._client.create(EVENT.resource(body), namespace=meta["namespace"])  # type: ignore[call-overload]

    async def lease(self, namespace: str, name: str) -> Object | None:
        """A Lease, or None."""
        try:
            with _request("GET"):
                return dict(await self._client.get(LEASE.resource, name, namespace=namespace))
        except ApiFailed as failed:
            if failed.code == 404:
                return None
            raise

    async def write_lease(self, lease: Mapping[str, Any]) -> Object:
        """Makes a Lease, or replaces the version that it names; 409 when another was quicker."""
        obj, namespace = LEASE.resource(lease), lease["metadata"]["namespace"]
        with _request("PUT"):
            if "resourceVersion" in lease["metadata"]:
                return dict(await self._client.replace(obj, lease["metadata"]["name"], namespace=namespace))
            return dict(await self._client.create(obj, namespace=namespace))  # type: ignore[call-overload]


def _selecting(selector: str | None) -> dict[str, Any] | None:
    if selector is None:
        return None
    name, _, value = selector.partition("=")
    return {name: value or exists()}


class _request:  # noqa: N801 - reads as a word where it is used
    """Counts requests, and turns the client's errors into `ApiFailed`."""

    def __init__(self, method: str) -> None:
        self._method = method

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        failed = _failed(error)
        if failed is not None or error is None:
            metrics.REQUESTS.labels(self._method, str(failed.code) if failed else "200").inc()
        if failed is not None:
            raise failed from None


def _failed(error: BaseException | None) -> ApiFailed | None:
    if isinstance(error, ApiError):
        return ApiFailed(error.status.code or 0, error.status.message or str(error.status.reason))
    if isinstance(error, httpx2.HTTPStatusError):
        return ApiFailed(error.response.status_code, f"HTTP {error.response.status_code}")
    if isinstance(error, httpx2.HTTPError):
        return ApiFailed(0, f"the API server cannot be reached: {type(error).__name__}")
    return None
