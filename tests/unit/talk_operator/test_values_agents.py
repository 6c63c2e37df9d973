"""Agents of the chart's `agents:` value: made, changed and deleted with the ConfigMap that names them."""

from __future__ import annotations

from typing import Any

import pytest

from talk_operator.store import Store
from talk_operator.values_agents import InvalidAgents, ValuesAgents
from tests.fakes.cluster import FakeCluster

SPEC = "instruction: Answer.\n"


class World:
    def __init__(self) -> None:
        self.cluster, self.store = FakeCluster(), Store()
        self.values = ValuesAgents(self.cluster.api(), self.store, "talk", "talk-agents")

    def configmap(self, **data: str) -> None:
        meta = {"name": "talk-agents", "namespace": "talk", "labels": {"app.kubernetes.io/part-of": "talk"}}
        named = {f"{name.replace('_', '-')}.yaml": text for name, text in data.items()}
        self.cluster.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": named})

    async def reconcile(self) -> None:
        self.cluster.sync(self.store)
        await self.values.reconcile()

    def agents(self) -> dict[str, Any]:
        return {place[2]: obj for place, obj in self.cluster.objects.items() if place[0] == "TalkAgent"}


async def test_agents_come_change_and_go_with_the_values() -> None:
    world = World()
    world.configmap(assistant=SPEC, travel_planner=SPEC)
    await world.reconcile()
    assert set(world.agents()) == {"assistant", "travel-planner"}
    world.configmap(assistant="instruction: Answer well.\n")
    await world.reconcile()
    assert set(world.agents()) == {"assistant"}
    assert world.agents()["assistant"]["spec"] == {"instruction": "Answer well."}
    before = len(world.cluster.writes)
    await world.reconcile()
    assert len(world.cluster.writes) == before


async def test_what_it_makes_is_news_to_the_watch_so_that_it_is_reconciled() -> None:
    world = World()
    world.configmap(assistant=SPEC)
    await world.reconcile()
    assert world.store.put(world.agents()["assistant"])


async def test_they_go_with_the_release_and_an_agent_of_a_person_stays() -> None:
    world = World()
    world.configmap(assistant=SPEC)
    world.cluster.apply_file("apiVersion: v\nkind: TalkAgent\nmetadata: {name: mine}\nspec: {instruction: Mine.}\n")
    await world.reconcile()
    world.cluster.remove("ConfigMap", "talk", "talk-agents")
    world.cluster.collect_garbage()
    await world.reconcile()
    assert set(world.agents()) == {"mine"}


async def test_an_agent_that_is_somebody_elses_stays_as_it_is_and_that_is_told_once() -> None:
    world = World()
    world.cluster.apply_file(
        "apiVersion: v\nkind: TalkAgent\nmetadata: {name: assistant}\nspec: {instruction: Mine.}\n"
    )
    world.configmap(assistant=SPEC)
    for _ in range(2):
        with pytest.raises(InvalidAgents):
            await world.reconcile()
    assert world.agents()["assistant"]["spec"] == {"instruction": "Mine."}
    assert world.cluster.events() == [("Warning", "InvalidAgent")]


async def test_one_that_cannot_be_read_does_not_stop_the_others_nor_delete_what_it_was() -> None:
    world = World()
    world.configmap(bad=SPEC)
    await world.reconcile()
    world.configmap(good=SPEC, bad="[", Bad=SPEC, none="")
    with pytest.raises(InvalidAgents) as failed:
        await world.reconcile()
    assert set(world.agents()) == {"good", "bad"}
    assert len(failed.value.problems) == 3


async def test_without_its_configmap_nothing_is_done() -> None:
    world = World()
    await world.reconcile()
    assert world.cluster.requests == []
