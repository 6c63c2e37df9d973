"""What a watch tells goes into the store; what is new of it makes its agent due."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import kopf

from talk_operator.handlers import register, take
from talk_operator.kinds import WATCHED
from talk_operator.login import login
from talk_operator.store import Store
from talk_operator.watching import watch_settings


class World:
    def __init__(self) -> None:
        self.store, self.told = Store(), list[tuple[str, str]]()

    def happen(self, event: str | None, name: str, version: str = "1") -> None:
        meta = {"name": name, "namespace": "talk", "uid": name, "resourceVersion": version}
        take(event, {"apiVersion": "v1", "kind": "Service", "metadata": meta}, self.store, self._hear)

    def _hear(self, obj: Mapping[str, Any]) -> None:
        self.told.append((obj["metadata"]["name"], obj["metadata"]["resourceVersion"]))


def test_each_change_is_told_once() -> None:
    world = World()
    for event, version in (
        (None, "1"),
        ("ADDED", "1"),
        ("MODIFIED", "2"),
        ("MODIFIED", "2"),
        (None, "2"),
        ("ADDED", "1"),
    ):
        world.happen(event, "a", version)
    assert world.told == [("a", "1"), ("a", "2")]


def test_what_the_operator_wrote_itself_is_no_news() -> None:
    world = World()
    meta = {"name": "a", "namespace": "talk", "uid": "a", "resourceVersion": "7"}
    world.store.put({"apiVersion": "v1", "kind": "Service", "metadata": meta})
    world.happen("MODIFIED", "a", "7")
    assert world.told == []


def test_an_end_is_always_told() -> None:
    world = World()
    world.happen("DELETED", "never seen")
    world.happen("ADDED", "a")
    world.happen("DELETED", "a")
    assert world.told == [("never seen", "1"), ("a", "1"), ("a", "1")]
    assert world.store.get("Service", "talk", "a") is None


def test_kopf_has_only_event_handlers_and_writes_nothing_by_itself() -> None:
    registry = kopf.OperatorRegistry()
    register(registry, Store(), lambda _: None)
    handlers = {name: len(getattr(registry, name).get_all_handlers()) for name in
                ("_indexing", "_watching", "_spawning", "_changing", "_webhooks")}  # fmt: skip
    assert handlers == {"_indexing": 0, "_watching": len(WATCHED), "_spawning": 0, "_changing": 0, "_webhooks": 0}
    assert [handler.fn for handler in registry._activities.get_all_handlers()] == [login]  # trusts as the client does
    settings = watch_settings()
    assert not settings.posting.enabled
    assert settings.scanning.disabled
    assert settings.persistence.diffbase_storage.fetch(body=kopf.Body({})) is None
