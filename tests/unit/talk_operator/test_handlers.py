"""Nothing is due before the listings are whole, and what the operator wrote itself is no news."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kopf

from talk_operator.handlers import Following, register
from talk_operator.kinds import AGENT_LABEL, WATCHED
from talk_operator.store import Store
from talk_operator.watching import watch_settings


class World:
    def __init__(self) -> None:
        self.store, self.told = Store(), list[tuple[str, str]]()
        self.following = Following(self.store, self._hear)

    def _hear(self, obj: Mapping[str, Any]) -> None:
        self.told.append((obj["metadata"]["name"], obj["metadata"]["resourceVersion"]))


def obj(name: str, version: str = "1", kind: str = "TalkAgent") -> dict[str, Any]:
    meta = {"name": name, "namespace": "talk", "uid": name, "resourceVersion": version, "labels": {AGENT_LABEL: "a"}}
    return {"apiVersion": "v1", "kind": kind, "metadata": meta, "spec": {}}


def test_nothing_is_told_before_everything_is_listed() -> None:
    world = World()
    for each in (obj("a"), obj("b"), obj("child", kind="Service")):
        world.following.seen(each)
    assert world.told == []
    world.following.handled(obj("a"))
    world.following.handled(obj("b"))
    assert world.told == [("a", "1"), ("b", "1")]


def test_each_change_is_told_once_afterwards() -> None:
    world = World()
    world.following.seen(obj("a"))
    world.following.handled(obj("a"))
    world.following.seen(obj("a", "2"))
    world.following.handled(obj("a", "2"))
    world.following.seen(obj("child", "5", "Service"))
    assert world.told == [("a", "1"), ("a", "2"), ("child", "5")]


def test_what_the_operator_wrote_itself_is_no_news() -> None:
    world = World()
    world.following.seen(obj("a"))
    world.following.handled(obj("a"))
    world.store.put(obj("child", "7", "Service"))
    world.following.seen(obj("child", "7", "Service"))
    assert world.told == [("a", "1")]


def test_an_end_is_always_told() -> None:
    world = World()
    world.following.gone(obj("never seen"))
    assert world.told == [("never seen", "1")]


def test_kopf_has_only_indexes_and_events_and_writes_nothing_by_itself() -> None:
    registry = kopf.OperatorRegistry()
    register(registry, Store(), lambda _: None)
    handlers = {name: len(getattr(registry, name).get_all_handlers()) for name in
                ("_indexing", "_watching", "_spawning", "_changing", "_webhooks")}  # fmt: skip
    assert handlers == {"_indexing": len(WATCHED), "_watching": len(WATCHED),
                        "_spawning": 0, "_changing": 0, "_webhooks": 0}  # fmt: skip
    settings = watch_settings()
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.persistence.diffbase_storage.fetch(body=kopf.Body({})) is None
