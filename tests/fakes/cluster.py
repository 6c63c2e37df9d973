"""An API server in memory: enough of it for an operator. Server-side apply with field managers, owners, status,
conflicts and deletion are as in the real one; a list counts as one value.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import yaml
from lightkube.config.kubeconfig import KubeConfig
from lightkube.config.models import Cluster, User

from talk_operator.api import Api
from talk_operator.kinds import AGENT_LABEL, EVENT, LEASE, WATCHED, Kind
from talk_operator.store import Store

Place = tuple[str, str, str]
Path = tuple[str, ...]
_KINDS = {kind.plural: kind for kind in (*WATCHED, EVENT, LEASE)}
_VERBS = {"GET": "get", "PATCH": "patch", "POST": "create", "PUT": "update", "DELETE": "delete"}


@dataclass
class FakeCluster:
    """`requests` are (verb, resource) as RBAC sees them; `refusals` answers a write of a kind with an error;
    `unknown` are kinds that it has not.
    """

    objects: dict[Place, dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    refusals: dict[str, tuple[int, str]] = field(default_factory=dict)
    unknown: set[str] = field(default_factory=set)
    _managers: dict[Place, dict[str, set[Path]]] = field(default_factory=dict)
    _version: int = 0

    def api(self) -> Api:
        """A client of this server."""
        user, server = User(token="a-token"), Cluster(server="http://cluster.test")
        config = KubeConfig.from_one(user=user, cluster=server).get()
        return Api(config, httpx2.MockTransport(self._answer))

    @property
    def writes(self) -> list[tuple[str, str]]:
        """The requests that were no reads."""
        return [request for request in self.requests if request[0] not in ("get", "list")]

    def apply_file(self, text: str, namespace: str = "talk") -> dict[str, Any]:
        """What a person does with kubectl."""
        obj = yaml.safe_load(text)
        obj["metadata"].setdefault("namespace", namespace)
        return self.put(obj)

    def put(self, obj: dict[str, Any]) -> dict[str, Any]:
        """Makes or replaces an object, its status kept where the new one has none."""
        place = (obj["kind"], obj["metadata"]["namespace"], obj["metadata"]["name"])
        before = self.objects.get(place)
        made = copy.deepcopy(obj)
        if before is not None:
            made["metadata"] = {**before["metadata"], **made["metadata"]}
            made.setdefault("status", before.get("status"))
        self._store(place, made, before)
        return made

    def get(self, kind: str, name: str, namespace: str = "talk") -> dict[str, Any]:
        """An object; KeyError when it is not there."""
        return self.objects[(kind, namespace, name)]

    def kinds(self, namespace: str = "talk") -> set[str]:
        """The kinds of which there are objects, Events apart."""
        return {place[0] for place in self.objects if place[1] == namespace and place[0] != "Event"}

    def events(self) -> list[tuple[str, str]]:
        """Type and reason of each Event, in order."""
        found = [obj for place, obj in self.objects.items() if place[0] == "Event"]
        return [(each["type"], each["reason"]) for each in found]

    def sync(self, store: Store) -> None:
        """What the watches would tell by now."""
        known = {place: obj for kind in WATCHED for place, obj in self._known(store, kind)}
        for place in known.keys() - self.objects.keys():
            store.drop(known[place])
        by_label = {kind.name for kind in WATCHED if kind.selector == AGENT_LABEL}
        for place, obj in self.objects.items():
            if place[0] in by_label and AGENT_LABEL not in obj["metadata"].get("labels", {}):
                continue
            if place[0] in {kind.name for kind in WATCHED}:
                store.put(copy.deepcopy(obj))

    def collect_garbage(self) -> None:
        """Deletes what an owner that is gone has left."""
        uids = {obj["metadata"]["uid"] for obj in self.objects.values()}
        for place, obj in list(self.objects.items()):
            owners = obj["metadata"].get("ownerReferences") or []
            if owners and not any(owner["uid"] in uids for owner in owners):
                self.remove(*place)

    def remove(self, kind: str, namespace: str, name: str) -> None:
        """Deletes an object."""
        del self.objects[(kind, namespace, name)]
        self._managers.pop((kind, namespace, name), None)

    def _known(self, store: Store, kind: Kind) -> Iterator[tuple[Place, dict[str, Any]]]:
        for namespace in {place[1] for place in self.objects} | {"talk"}:
            for obj in store.of_kind(kind.name, namespace):
                yield (kind.name, namespace, obj["metadata"]["name"]), obj

    def _answer(self, request: httpx2.Request) -> httpx2.Response:
        parts = request.url.path.strip("/").split("/")
        rest = parts[parts.index("namespaces") + 1 :]
        namespace, kind, name = rest[0], _KINDS[rest[1]], rest[2] if len(rest) > 2 else ""
        subresource = rest[3] if len(rest) > 3 else ""
        verb = "list" if request.method == "GET" and not name else _VERBS[request.method]
        self.requests.append((verb, "/".join(part for part in (kind.plural, subresource) if part)))
        if verb not in ("get", "list") and kind.name in self.refusals:
            return _failure(*self.refusals[kind.name])
        if kind.name in self.unknown:
            return _failure(404, "the server could not find the requested resource")
        place = (kind.name, namespace, name)
        if verb == "list":
            return _ok(
                {"metadata": {"resourceVersion": str(self._version)}, "items": self._listed(kind, namespace, request)}
            )
        if verb != "create" and verb != "patch" and place not in self.objects:
            return _failure(404, f"{kind.plural} {name!r} not found")
        return getattr(self, f"_{verb}")(place, subresource, request)  # type: ignore[no-any-return]

    def _listed(self, kind: Kind, namespace: str, request: httpx2.Request) -> list[dict[str, Any]]:
        found = [obj for place, obj in self.objects.items() if place[:2] == (kind.name, namespace)]
        if AGENT_LABEL in request.url.params.get("labelSelector", ""):
            found = [obj for obj in found if AGENT_LABEL in obj["metadata"].get("labels", {})]
        return found

    def _get(self, place: Place, _: str, __: httpx2.Request) -> httpx2.Response:
        return _ok(self.objects[place])

    def _create(self, place: Place, _: str, request: httpx2.Request) -> httpx2.Response:
        obj = json.loads(request.content)
        place = (*place[:2], obj["metadata"]["name"])
        if place in self.objects:
            return _failure(409, "already exists")
        self._store(place, obj, None)
        return _ok(self.objects[place])

    def _update(self, place: Place, _: str, request: httpx2.Request) -> httpx2.Response:
        obj, before = json.loads(request.content), self.objects[place]
        if obj["metadata"].get("resourceVersion") != before["metadata"]["resourceVersion"]:
            return _failure(409, "the object has been modified")
        self._store(place, obj, before)
        return _ok(self.objects[place])

    def _delete(self, place: Place, _: str, __: httpx2.Request) -> httpx2.Response:
        self.remove(*place)
        self.collect_garbage()
        return _ok({"status": "Success"})

    def _patch(self, place: Place, subresource: str, request: httpx2.Request) -> httpx2.Response:
        wanted, before = json.loads(request.content), self.objects.get(place)
        manager, force = request.url.params["fieldManager"], request.url.params.get("force") == "true"
        if subresource and before is None:
            return _failure(404, "not found")
        fields = {path: value for path, value in _leaves(wanted) if (path[0] == "status") == bool(subresource)}
        managers = self._managers.setdefault(place, {})
        made = copy.deepcopy(before or {"apiVersion": wanted["apiVersion"], "kind": wanted["kind"], "metadata": {}})
        for path, value in fields.items():
            if before is not None and not force and _value(made, path) not in (None, value):
                owners = [name for name, paths in managers.items() if path in paths and name != manager]
                if owners or manager not in managers:
                    return _failure(409, f"conflict with {owners}: {'.'.join(path)}")
            _set(made, path, value)
        own = managers.setdefault(f"{manager}/{subresource}", set())
        for path in own - fields.keys():
            if not any(path in paths for name, paths in managers.items() if name != f"{manager}/{subresource}"):
                _unset(made, path)
        managers[f"{manager}/{subresource}"] = set(fields)
        if made != before:
            self._store(place, made, before)
        return _ok(self.objects[place])

    def _store(self, place: Place, obj: dict[str, Any], before: dict[str, Any] | None) -> None:
        self._version += 1
        meta = obj["metadata"]
        meta |= {"namespace": place[1], "name": place[2], "resourceVersion": str(self._version)}
        meta["uid"] = before["metadata"]["uid"] if before else f"uid-{self._version}"
        meta.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        changed = before is None or before.get("spec") != obj.get("spec")
        meta["generation"] = (before["metadata"]["generation"] if before else 0) + int(changed)
        if obj["kind"] == "Deployment":
            obj["spec"].setdefault("replicas", 1)
        self.objects[place] = obj


def _leaves(obj: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(obj, dict) and obj and path != ("status", "conditions"):
        for name, value in obj.items():
            yield from _leaves(value, (*path, name))
    elif path not in (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace")):
        yield path, obj


def _value(obj: Any, path: Path) -> Any:
    for name in path:
        obj = obj.get(name) if isinstance(obj, dict) else None
    return obj


def _set(obj: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(obj.get(name), dict):
            obj[name] = {}
        obj = obj[name]
    obj[path[-1]] = copy.deepcopy(value)


def _unset(obj: dict[str, Any], path: Path) -> None:
    for name in path[:-1]:
        obj = obj.get(name, {})
    obj.pop(path[-1], None)


def _ok(body: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(200, json=body)


def _failure(code: int, message: str) -> httpx2.Response:
    status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": message}
    return httpx2.Response(code, json=status)
