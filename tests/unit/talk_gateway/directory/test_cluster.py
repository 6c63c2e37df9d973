"""The state that the watches build: facts of documents, and that no order of events matters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from talk_gateway.directory.agent import AgentVoice
from talk_gateway.directory.cluster import NO_POD, Cluster, Kind, Seen
from talk_gateway.directory.facts import Key, agent_facts, slice_facts
from tests.fakes.kube_api import Document, endpoint, endpoint_slice, plural_of, talk_agent

HELPER = Key("talk", "helper")


def cluster_of(*documents: Document, default_voice: dict[str, Any] | None = None) -> Cluster:
    cluster = Cluster(default_voice or {})
    for document in documents:
        cluster.apply(Kind(plural_of(document)), "ADDED", document)
    return cluster


def seen(*documents: Document) -> Seen:
    found = cluster_of(*documents).agent(HELPER)
    assert found is not None
    return found


def test_an_agent_with_a_ready_pod_can_be_asked_whatever_its_condition_still_says() -> None:
    found = seen(talk_agent("helper", message="is starting"), endpoint_slice("helper", endpoint("10.0.0.1")))
    assert (found.preferred, found.reason) == (("http://10.0.0.1:8081",), "")


def test_an_agent_without_a_pod_says_what_its_condition_says() -> None:
    assert seen(talk_agent("helper", message="The Secret llm lacks the key token.")).reason == (
        "The Secret llm lacks the key token."
    )
    assert seen(talk_agent("helper", ready=True, message="All is well.")).reason == NO_POD
    assert seen({"kind": "TalkAgent", "metadata": {"name": "helper", "namespace": "talk"}}).reason == NO_POD


@pytest.mark.parametrize(
    ("conditions", "preferred", "spare"),
    [
        ({"ready": True, "serving": True, "terminating": False}, 1, 0),
        ({"ready": True}, 1, 0),
        ({}, 1, 0),
        ({"ready": False, "serving": False, "terminating": False}, 0, 0),
        ({"ready": False, "serving": True, "terminating": True}, 0, 1),
        ({"ready": False, "serving": False, "terminating": True}, 0, 0),
        # A Service that publishes addresses that are not ready calls them ready, also while they end.
        ({"ready": True, "serving": True, "terminating": True}, 0, 1),
    ],
)
def test_conditions_of_an_endpoint(conditions: dict[str, bool], preferred: int, spare: int) -> None:
    pod = {**endpoint("10.0.0.1"), "conditions": conditions}
    found = seen(talk_agent("helper"), endpoint_slice("helper", pod))
    assert (len(found.preferred), len(found.spare)) == (preferred, spare)


def test_an_ipv6_address_stands_in_brackets() -> None:
    found = seen(talk_agent("helper"), endpoint_slice("helper", endpoint("fd00::7"), family="IPv6"))
    assert found.preferred == ("http://[fd00::7]:8081",)


def test_a_pod_under_dual_stack_is_one_pod_at_its_ipv4_address() -> None:
    four = endpoint("203.0.113.1")
    six = {**four, "addresses": ["2001:db8::7"]}
    found = seen(
        talk_agent("helper"),
        endpoint_slice("helper", six, name="six", family="IPv6"),
        endpoint_slice("helper", four, name="four"),
    )
    assert found.preferred == ("http://203.0.113.1:8081",)


def test_a_pod_in_two_slices_counts_once_and_as_ready() -> None:
    found = seen(
        talk_agent("helper"),
        endpoint_slice("helper", endpoint("10.0.0.1", ready=False), name="old"),
        endpoint_slice("helper", endpoint("10.0.0.1"), name="new"),
    )
    assert (found.preferred, found.spare) == (("http://10.0.0.1:8081",), ())


def test_addresses_of_slices_made_by_hand_are_told_apart_by_their_port() -> None:
    bare = {"addresses": ["10.0.0.1"]}
    found = seen(
        talk_agent("helper"),
        endpoint_slice("helper", bare, name="one", port=1001),
        endpoint_slice("helper", bare, name="two", port=1002),
    )
    assert found.preferred == ("http://10.0.0.1:1001", "http://10.0.0.1:1002")


@pytest.mark.parametrize(
    "change",
    [
        {"addressType": "FQDN"},
        {"ports": []},
        {"ports": None},
        {"ports": [{"name": "http", "port": "8081"}]},
        {"metadata": {"name": "x", "namespace": "talk", "labels": {"kubernetes.io/service-name": "redis"}}},
        {"metadata": {"name": "x", "namespace": "talk"}},
    ],
)
def test_slices_that_say_nothing_of_an_agent(change: Document) -> None:
    assert slice_facts({**endpoint_slice("helper", endpoint("10.0.0.1")), **change}) is None


def test_the_port_is_the_one_named_http_or_else_the_first() -> None:
    document = endpoint_slice("helper", endpoint("10.0.0.1"), port=7000)
    facts = slice_facts(document)
    assert facts is not None
    assert facts.endpoints[0].port == 7000
    other = slice_facts({**document, "ports": [{"name": "", "port": 1}, {"name": "b", "port": 2}]})
    assert other is not None
    assert other.endpoints[0].port == 1


def test_the_voice_is_the_agents_own_and_else_the_default() -> None:
    default = {"enabled": False, "language": "de", "speech": {"model": "m", "voice": "v"}}
    spoken = {"enabled": True, "speech": {"voice": "anna"}, "transcription": {"model": "whisper"}}
    assert agent_facts(talk_agent("a", voice=spoken), default).voice == AgentVoice(True, "de", "whisper", "m", "anna")
    assert agent_facts(talk_agent("a"), default).voice == AgentVoice(False, "de", None, "m", "v")
    assert agent_facts(talk_agent("a"), {}).voice == AgentVoice()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.sampled_from([talk_agent("helper"), endpoint_slice("helper", endpoint("10.0.0.1"))]),
    st.sampled_from(["spec", "status", "metadata", "ports", "endpoints", "addressType"]),
    json_values,
    st.sampled_from(["voice", "conditions", "labels", None]),
)
def test_no_document_stops_the_watch(document: Document, member: str, value: object, inner: str | None) -> None:
    cluster = Cluster()
    broken = {**document, member: {inner: value} if inner else value}
    cluster.apply(Kind(plural_of(document)), "ADDED", broken)
    for key in cluster.known():
        cluster.agent(key)


names = st.sampled_from(["helper", "other"])
namespaces = st.sampled_from(["talk", "team"])
pods = st.builds(
    endpoint,
    st.sampled_from(["10.0.0.1", "10.0.0.2", "fd00::1"]),
    ready=st.booleans(),
    serving=st.none() | st.booleans(),
    terminating=st.booleans(),
)
agents = st.builds(talk_agent, names, namespaces, message=st.sampled_from(["", "broken"]), ready=st.booleans())
slices = st.builds(
    lambda agent, name, namespace, several: endpoint_slice(agent, *several, name=name, namespace=namespace),
    names,
    st.sampled_from(["one", "two"]),
    namespaces,
    st.lists(pods, max_size=3),
)
events = st.lists(
    st.tuples(st.sampled_from(["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]), agents | slices), max_size=25
)


def object_key(document: Document) -> tuple[str, str, str]:
    return plural_of(document), document["metadata"]["namespace"], document["metadata"]["name"]


def everything(cluster: Cluster) -> dict[Key, Seen | None]:
    return {key: cluster.agent(key) for key in cluster.known()}


@given(events, st.data())
def test_events_in_any_order_and_lists_between_them_give_the_same_state(
    history: list[tuple[str, Document]], data: st.DataObject
) -> None:
    final: dict[tuple[str, str, str], Document] = {}
    for kind, document in history:
        if kind == "DELETED":
            final.pop(object_key(document), None)
        elif kind != "BOOKMARK":
            final[object_key(document)] = document
    expected = everything(cluster_of(*final.values()))

    # Each object's own events keep their order; those of different objects mix freely.
    order = data.draw(st.permutations(range(len(history))))
    queues: dict[tuple[str, str, str], list[tuple[str, Document]]] = {}
    for event in history:
        queues.setdefault(object_key(event[1]), []).append(event)
    mixed = Cluster()
    shown: dict[Key, Seen | None] = {}
    for position in order:
        kind, document = queues[object_key(history[position][1])].pop(0)
        changed = mixed.apply(Kind(plural_of(document)), kind, document)
        shown.update({key: mixed.agent(key) for key in changed})
    assert everything(mixed) == expected
    # What was told as changed is enough to know all.
    assert {key: value for key, value in shown.items() if value is not None} == expected

    # A list over any earlier state gives the same too.
    stale = Cluster()
    for position in data.draw(st.lists(st.sampled_from(range(len(history))))) if history else []:
        kind, document = history[position]
        stale.apply(Kind(plural_of(document)), kind, document)
    shown = everything(stale)
    for each in data.draw(st.permutations(list(Kind))):
        for namespace in ("talk", "team"):
            listed = [d for key, d in final.items() if key[:2] == (each.value, namespace)]
            changed = stale.replace(each, namespace, listed)
            shown.update({key: stale.agent(key) for key in changed})
    assert everything(stale) == expected
    assert {key: value for key, value in shown.items() if value is not None} == expected


def test_an_event_that_changes_nothing_of_interest_is_not_passed_on() -> None:
    pod = endpoint_slice("helper", endpoint("10.0.0.1"))
    cluster = cluster_of(talk_agent("helper"), pod)
    assert cluster.apply(Kind.AGENT, "MODIFIED", talk_agent("helper")) == set()
    assert cluster.apply(Kind.SLICE, "MODIFIED", pod) == set()
    assert cluster.apply(Kind.SLICE, "DELETED", endpoint_slice("other")) == set()
