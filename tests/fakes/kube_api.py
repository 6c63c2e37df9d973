"""A small Kubernetes API: lists and watches with versions, compaction, and the ways in which they break."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

Document = dict[str, Any]


def talk_agent(name: str, namespace: str = "talk", *, message: str = "", ready: bool = False, **spec: Any) -> Document:
    """A TalkAgent as the operator leaves it."""
    condition = {"type": "Ready", "status": "True" if ready else "False", "reason": "Because", "message": message}
    return {
        "apiVersion": "talk.dwani.ai/v1alpha1",
        "kind": "TalkAgent",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"instruction": "Be kind.", **spec},
        "status": {"conditions": [{"type": "Progressing", "status": "False"}, condition]},
    }


def endpoint(address: str, *, ready: bool = True, serving: bool | None = None, terminating: bool = False) -> Document:
    """One pod of a slice."""
    serving = ready if serving is None else serving
    return {
        "addresses": [address],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "targetRef": {"kind": "Pod", "name": f"pod-{address}", "uid": f"uid-{address}"},
    }


def endpoint_slice(
    agent: str, *endpoints: Document, namespace: str = "talk", name: str = "", port: int = 8081, family: str = "IPv4"
) -> Document:
    """The slice of an agent's Service."""
    labels = {"kubernetes.io/service-name": f"talkagent-{agent}", "talk.dwani.ai/agent": agent}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name or f"talkagent-{agent}-abcde", "namespace": namespace, "labels": labels},
        "addressType": family,
        "ports": [{"name": "metrics", "port": 9090}, {"name": "http", "port": port}],
        "endpoints": list(endpoints),
    }


def plural_of(document: Document) -> str:
    """The resource that a document belongs to."""
    return f"{document['kind'].lower()}s"


@dataclass
class _Event:
    version: int
    plural: str
    namespace: str
    line: Document


@dataclass
class FakeKubeApi:
    """`refuse` is a status that every request gets, `hold` keeps lists waiting, `forbidden` namespaces get 403.

    With `end_at_once` each watch ends in order as soon as it has told what there is.
    """

    refuse: int = 0
    hold: asyncio.Event | None = None
    forbidden: set[str] = field(default_factory=set)
    gone_in_stream: bool = True
    end_at_once: bool = False
    requests: list[tuple[str, str]] = field(default_factory=list)
    watching: int = 0
    _version: int = 100
    _compacted: int = 0
    _objects: dict[tuple[str, str, str], Document] = field(default_factory=dict)
    _events: list[_Event] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _cut: str = ""
    _era: int = 0

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/apis/{group}/{version}/namespaces/{namespace}/{plural}", self._serve)])

    def put(self, *documents: Document) -> None:
        """Creates or changes objects."""
        for document in documents:
            key = _key(document)
            self._record("MODIFIED" if key in self._objects else "ADDED", document)
            self._objects[key] = document

    def delete(self, *documents: Document) -> None:
        for document in documents:
            del self._objects[_key(document)]
            self._record("DELETED", document)

    def bookmark(self) -> None:
        """Tells every watch how far it has come."""
        self._version += 1
        document = {"metadata": {"resourceVersion": str(self._version)}}
        self._events.append(_Event(self._version, "", "", {"type": "BOOKMARK", "object": document}))
        self._wake()

    def compact(self) -> None:
        """Forgets every event so far, as etcd does after five minutes."""
        self._compacted = self._version

    def cut_watches(self, how: str = "broken") -> None:
        """Ends every open watch: `broken` in the middle of a line, or in order (`clean`)."""
        self._cut, self._era = how, self._era + 1
        self._wake()

    def lists(self) -> int:
        """How many lists were asked for."""
        return sum(1 for kind, _ in self.requests if kind == "list")

    def _record(self, kind: str, document: Document) -> None:
        self._version += 1
        document = {**document, "metadata": {**document["metadata"], "resourceVersion": str(self._version)}}
        _, namespace, _ = _key(document)
        line = {"type": kind, "object": document}
        self._events.append(_Event(self._version, plural_of(document), namespace, line))
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _serve(self, request: Request) -> Response:
        namespace, plural = request.path_params["namespace"], request.path_params["plural"]
        watch = request.query_params.get("watch") == "true"
        self.requests.append(("watch" if watch else "list", f"{namespace}/{plural}"))
        if self.hold is not None and not watch:
            await self.hold.wait()
        refused = 403 if namespace in self.forbidden else self.refuse
        if refused:
            return JSONResponse(_status(refused), refused)
        assert plural != "endpointslices" or request.query_params["labelSelector"] == "talk.dwani.ai/agent"
        if not watch:
            return self._list(namespace, plural)
        assert request.query_params["allowWatchBookmarks"] == "true"
        version = int(request.query_params["resourceVersion"])
        if version < self._compacted and not self.gone_in_stream:
            return JSONResponse(_status(410), 410)
        return StreamingResponse(self._watch(namespace, plural, version), media_type="application/json")

    def _list(self, namespace: str, plural: str) -> Response:
        items = [each for key, each in self._objects.items() if key[:2] == (plural, namespace)]
        return JSONResponse({"kind": "List", "metadata": {"resourceVersion": str(self._version)}, "items": items})

    async def _watch(self, namespace: str, plural: str, version: int) -> AsyncGenerator[bytes, None]:
        era = self._era
        self.watching += 1
        try:
            if version < self._compacted:
                yield _line({"type": "ERROR", "object": _status(410)})
                return
            while True:
                changed = self._changed
                for event in [e for e in self._events if e.version > version]:
                    version = event.version
                    if (event.plural, event.namespace) in ((plural, namespace), ("", "")):
                        yield _line(event.line)
                if self.end_at_once:
                    return
                if era != self._era:
                    break
                await changed.wait()
            if self._cut == "broken":
                yield b'{"type": "MODIF'
                raise ConnectionError("the connection breaks")
        finally:
            self.watching -= 1


def _key(document: Document) -> tuple[str, str, str]:
    return plural_of(document), document["metadata"]["namespace"], document["metadata"]["name"]


def _status(code: int) -> Document:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": "secret words"}


def _line(event: Document) -> bytes:
    return json.dumps(event).encode() + b"\n"
