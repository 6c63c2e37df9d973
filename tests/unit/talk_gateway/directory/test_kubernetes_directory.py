"""The directory in front of an API server that works, breaks, forgets and is slow."""

from __future__ import annotations

import asyncio

import pytest

from talk_gateway.directory import client
from talk_gateway.directory.kubernetes import KubernetesDirectory
from talk_gateway.directory.watch import FIRST_BACK_OFF_SECONDS, LONGEST_BACK_OFF_SECONDS, back_off
from talk_kit.errors import AgentNotReady, ProviderUnreachable, UnknownAgent
from talk_kit.health import Check
from tests.fakes.kube_api import FakeKubeApi, endpoint, endpoint_slice, talk_agent
from tests.fakes.waiting import eventually
from tests.unit.talk_gateway.directory.conftest import StartDirectory

pytestmark = pytest.mark.loopback


def urls(directory: KubernetesDirectory, name: str) -> tuple[str, ...]:
    return next((agent.pods.urls for agent in directory.agents() if agent.name == name), ())


def names(directory: KubernetesDirectory) -> list[str]:
    return [agent.name for agent in directory.agents()]


def check(directory: KubernetesDirectory, name: str) -> Check:
    return next(each for each in directory.checks() if each.name == name)


async def test_what_was_there_before_is_listed(api: FakeKubeApi, start_directory: StartDirectory) -> None:
    api.put(
        talk_agent("helper", description="Helps.", voice={"language": "kn"}),
        talk_agent("lame", message="The image x cannot be pulled."),
        endpoint_slice("helper", endpoint("10.0.0.1"), endpoint("10.0.0.2")),
    )
    async with start_directory(api) as directory:
        assert [agent.listed() for agent in directory.agents()] == [
            {"name": "helper", "description": "Helps.", "ready": True, "voice": True, "languages": ["kn"]},
            {
                "name": "lame", "description": "", "ready": False, "voice": True, "languages": [],
                "reason": "The image x cannot be pulled.",
            },
        ]  # fmt: skip
        assert directory.resolve("helper").pods.urls == ("http://10.0.0.1:8081", "http://10.0.0.2:8081")
        with pytest.raises(AgentNotReady, match=r"lame is not ready: The image x cannot be pulled\."):
            directory.resolve("lame").require()


async def test_a_new_agent_is_reachable_and_a_vanished_one_unknown(
    api: FakeKubeApi, start_directory: StartDirectory
) -> None:
    async with start_directory(api) as directory:
        with pytest.raises(UnknownAgent, match="Known agents: none"):
            directory.resolve("viva_examiner")
        agent, pod = talk_agent("viva-examiner"), endpoint_slice("viva-examiner", endpoint("10.0.0.1"))
        api.put(pod)
        api.put(agent)
        await eventually(lambda: urls(directory, "viva-examiner") != ())
        held = directory.resolve("viva_examiner")
        api.put(endpoint_slice("viva-examiner", endpoint("10.0.0.9")))
        await eventually(lambda: held.pods.urls == ("http://10.0.0.9:8081",))
        api.delete(agent)
        await eventually(lambda: names(directory) == [])
        with pytest.raises(UnknownAgent):
            directory.resolve("viva-examiner")
        assert held.pods.urls == ()


async def test_agents_of_other_namespaces_carry_its_name(api: FakeKubeApi, start_directory: StartDirectory) -> None:
    api.put(
        talk_agent("helper"),
        talk_agent("helper", "team"),
        talk_agent("helper", "strangers"),
        endpoint_slice("helper", endpoint("10.0.0.1")),
        endpoint_slice("helper", endpoint("10.0.1.1"), namespace="team"),
        endpoint_slice("helper", endpoint("10.0.2.1"), namespace="strangers"),
    )
    async with start_directory(api, watched=["team", "talk"]) as directory:
        await eventually(lambda: names(directory) == ["helper", "helper.team"])
        other = directory.resolve("helper.team")
        assert (other.own_name, other.pods.urls) == ("helper", ("http://10.0.1.1:8081",))
        assert directory.resolve("helper.talk").pods.urls == ("http://10.0.0.1:8081",)
        assert all(path.split("/")[0] in ("talk", "team") for _, path in api.requests)


async def test_a_namespace_that_may_not_be_read_is_shown_and_stops_no_other(
    api: FakeKubeApi, start_directory: StartDirectory
) -> None:
    api.forbidden.add("team")
    api.put(talk_agent("helper"), endpoint_slice("helper", endpoint("10.0.0.1")))
    async with start_directory(api, wait=False, watched=["team"]) as directory:
        await eventually(lambda: urls(directory, "helper") != ())
        await check(directory, "directory").probe()

        async def shown() -> bool:
            with pytest.raises(ProviderUnreachable, match="talkagents in team: The Kubernetes API answered 403"):
                await check(directory, "kubernetes").probe()
            return True

        await eventually(lambda: sum(1 for _, path in api.requests if path.startswith("team")) >= 4)
        await shown()


@pytest.mark.parametrize("how", ["broken", "clean"])
async def test_a_watch_that_ends_misses_nothing(api: FakeKubeApi, start_directory: StartDirectory, how: str) -> None:
    gone = talk_agent("gone")
    api.put(gone)
    async with start_directory(api) as directory:
        for number in range(3):
            api.cut_watches(how)
            api.put(talk_agent(f"agent-{number}"))
            await eventually(lambda number=number: f"agent-{number}" in names(directory))
        api.cut_watches(how)
        api.delete(gone)
        await eventually(lambda: "gone" not in names(directory))
        await eventually(lambda: api.watching == 2)


@pytest.mark.parametrize("in_stream", [True, False])
async def test_a_version_that_is_too_old_is_followed_by_a_new_list(
    api: FakeKubeApi, start_directory: StartDirectory, in_stream: bool
) -> None:
    api.gone_in_stream = in_stream
    gone = talk_agent("gone")
    api.put(gone)
    async with start_directory(api) as directory:
        lists = api.lists()
        api.refuse = 500
        api.cut_watches()
        await eventually(lambda: api.watching == 0)
        api.delete(gone)
        api.put(talk_agent("new"))
        api.compact()
        api.refuse = 0
        await eventually(lambda: names(directory) == ["new"])
        assert api.lists() > lists


async def test_a_quiet_watch_goes_on_from_its_bookmark_without_a_list(
    api: FakeKubeApi, start_directory: StartDirectory
) -> None:
    async with start_directory(api) as directory:
        lists, asked = api.lists(), len(api.requests)
        api.bookmark()
        api.compact()
        api.cut_watches("clean")
        await eventually(lambda: len(api.requests) == asked + 2 and api.watching == 2)
        api.put(talk_agent("one"), endpoint_slice("one", endpoint("10.0.0.1")))
        await eventually(lambda: urls(directory, "one") != ())
        assert api.lists() == lists


async def test_a_version_that_grew_too_old_is_no_failure_to_show(
    api: FakeKubeApi, start_directory: StartDirectory
) -> None:
    async with start_directory(api) as directory:
        lists = api.lists()
        api.put(talk_agent("elsewhere", "strangers"))
        api.compact()
        api.hold = asyncio.Event()
        api.cut_watches("clean")
        await eventually(lambda: api.lists() == lists + 2)
        await check(directory, "kubernetes").probe()
        api.hold.set()
        await eventually(lambda: api.watching == 2)


async def test_the_last_state_serves_while_the_api_is_away(api: FakeKubeApi, start_directory: StartDirectory) -> None:
    api.put(talk_agent("helper"), endpoint_slice("helper", endpoint("10.0.0.1")))
    async with start_directory(api) as directory:
        await check(directory, "kubernetes").probe()
        lists = api.lists()
        api.refuse = 503
        api.cut_watches()
        await eventually(lambda: api.lists() >= lists + 6)
        assert directory.resolve("helper").pods.urls == ("http://10.0.0.1:8081",)
        await check(directory, "directory").probe()
        with pytest.raises(ProviderUnreachable) as shown:
            await check(directory, "kubernetes").probe()
        assert "talkagents in talk: The Kubernetes API answered 503." in shown.value.detail
        assert "secret" not in shown.value.detail
        api.put(talk_agent("new"))
        api.refuse = 0
        await eventually(lambda: "new" in names(directory))

        async def well() -> bool:
            try:
                await check(directory, "kubernetes").probe()
            except ProviderUnreachable:
                return False
            return True

        await eventually(well)


async def test_nothing_is_unknown_before_the_first_list(api: FakeKubeApi, start_directory: StartDirectory) -> None:
    api.hold = asyncio.Event()
    async with start_directory(api, wait=False) as directory:
        await eventually(lambda: api.lists() == 2)
        with pytest.raises(AgentNotReady, match="has not listed the agents yet"):
            directory.resolve("helper")
        with pytest.raises(ProviderUnreachable):
            await check(directory, "directory").probe()
        api.hold.set()
        await eventually(lambda: directory._synced)
        with pytest.raises(UnknownAgent):
            directory.resolve("helper")
        await check(directory, "directory").probe()


async def test_the_default_agent_follows_what_there_is(api: FakeKubeApi, start_directory: StartDirectory) -> None:
    def with_pod(name: str, address: str) -> None:
        api.put(talk_agent(name), endpoint_slice(name, endpoint(address)))

    async with start_directory(api) as directory:
        with pytest.raises(UnknownAgent):
            directory.default("llm")
        with_pod("helper", "10.0.0.1")
        await eventually(lambda: urls(directory, "helper") != ())
        assert directory.default("llm").name == "helper"
        with_pod("assistant", "10.0.0.2")
        with_pod("travel-planner", "10.0.0.3")
        await eventually(lambda: urls(directory, "travel-planner") != () and urls(directory, "assistant") != ())
        assert (directory.default("llm").name, directory.default("agent").name) == ("assistant", "travel-planner")


async def test_watches_that_end_at_once_are_spaced(api: FakeKubeApi, start_directory: StartDirectory) -> None:
    api.end_at_once = True
    loop = asyncio.get_running_loop()
    async with start_directory(api, wait=False, pace=0.5):
        begun = loop.time()
        await eventually(lambda: sum(1 for kind, _ in api.requests if kind == "watch") >= 8)
        # Two kinds of four watches each, with three pauses between them.
        assert loop.time() - begun >= 2 * 0.5


async def test_a_watch_whose_server_says_nothing_for_too_long_is_begun_anew(
    api: FakeKubeApi, start_directory: StartDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WATCH_SILENCE_SECONDS", 0.05)
    async with start_directory(api, wait=False):
        await eventually(lambda: api.lists() >= 6)


def test_the_pauses_grow_to_a_bound_and_differ() -> None:
    pauses = [back_off(failures, 1.0) for failures in range(1, 40)]
    assert pauses[:3] == [FIRST_BACK_OFF_SECONDS, 1.0, 2.0]
    assert pauses == sorted(pauses)
    assert max(pauses) == LONGEST_BACK_OFF_SECONDS
    assert back_off(3, 0.0) == 1.0
