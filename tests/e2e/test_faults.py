"""Faults under a steady load of text and voice turns: nothing that was acknowledged is lost, and callers see at most an
error that says when to come again.

The short ones run in `make e2e`, all of them in `make chaos`.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.chaos.load import Plan
from tests.e2e.cluster import Namespace, talk_image, until
from tests.e2e.rig import RUN_SECONDS, Rig, Row, install, rig, values, wait
from tests.e2e.signals import Signals, signals

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]
chaos = pytest.mark.chaos

GATEWAY = "app.kubernetes.io/component=gateway"
AGENTS = "talk.dwani.ai/agent=assistant"
OPERATOR = "app.kubernetes.io/component=operator"
REDIS = "app.kubernetes.io/component=redis"
# A failure takes no longer than the turn's own bound and what a client needs to hear of it.
FAILURE_SECONDS = RUN_SECONDS + 5
ROLLED = {"rolled": "again"}
# Seconds that the kubelet takes to act on what /ready says: two probes, 2 s apart, and what it needs itself.
READY_PROBES = 6


@pytest.fixture(scope="module")
def talk(shared_namespace: Namespace, fault_rows: list[Row]) -> Iterator[Rig]:
    """The release under test."""
    with rig(shared_namespace, fault_rows) as made:
        yield made


@pytest.fixture(scope="module")
def kill() -> Iterator[Signals]:
    """Signals to any container."""
    with signals(talk_image("gateway")) as made:
        yield made


@pytest.fixture(autouse=True)
def whole(talk: Rig) -> Iterator[None]:
    """Each fault finds everything well, and leaves it so."""
    yield
    talk.break_providers()
    talk.until_whole()


def nothing_lost(row: Row, slowest: float = FAILURE_SECONDS) -> None:
    """What every fault has to leave. A failure takes no longer than `slowest` seconds."""
    assert not row.difference, row.difference
    assert row.given_up == 0, row.codes
    assert row.not_retryable == 0, row.codes
    assert row.slowest_failure < slowest, row


# --- upgrades -------------------------------------------------------------------------------------------------------

ROLLS: dict[str, dict[str, Any]] = {
    "gateway": {"gateway": {"podAnnotations": ROLLED}},
    "agents": {"agentDefaults": {"pod": {"annotations": ROLLED}}},
    "operator": {"operator": {"podAnnotations": ROLLED}},
    "redis": {"redis": {"podAnnotations": ROLLED}},
}


def upgraded(talk: Rig, *rooms: str) -> Callable[[], None]:
    """`helm upgrade` with another pod template for each of the rooms, until all is rolled."""
    given = values(talk.namespace.name)
    for room in rooms:
        for key, change in ROLLS[room].items():
            given[key] = {**given.get(key, {}), **change}

    def act() -> None:
        install(talk.namespace, given)
        talk.until_whole()

    return act


def test_an_upgrade_of_gateway_agents_and_operator_fails_no_turn(talk: Rig) -> None:
    row = talk.during(
        "rolling upgrade of gateway, agents and operator at once", upgraded(talk, "gateway", "agents", "operator")
    )
    nothing_lost(row)
    assert row.failed == 0, row.codes


@chaos
@pytest.mark.parametrize("room", ["gateway", "agents", "operator"])
def test_a_rolling_upgrade_fails_no_turn(talk: Rig, room: str) -> None:
    row = talk.during(f"rolling upgrade: {room}", upgraded(talk, room))
    nothing_lost(row)
    assert row.failed == 0, row.codes


@chaos
def test_an_upgrade_of_redis_loses_nothing(talk: Rig) -> None:
    nothing_lost(talk.during("rolling upgrade: Redis", upgraded(talk, "redis")))


# --- kill -9 --------------------------------------------------------------------------------------------------------


def killed(talk: Rig, kill: Signals, selector: str) -> Callable[[], None]:
    """One pod's process, at once."""
    pod = talk.pods(selector)[0]
    kill.send(pod, 0)  # the sender is there: the kill itself takes a moment only

    def act() -> None:
        kill.send(pod, signal.SIGKILL)

    return act


def test_a_killed_agent_ends_only_its_running_turns(talk: Rig, kill: Signals) -> None:
    row = talk.during("kill -9: an agent", killed(talk, kill, AGENTS))
    nothing_lost(row)
    assert row.late == 0, row.codes


def test_killed_redis_loses_nothing(talk: Rig, kill: Signals) -> None:
    nothing_lost(talk.during("kill -9: Redis", killed(talk, kill, REDIS)))


@chaos
def test_a_killed_gateway_ends_only_what_it_carried(talk: Rig, kill: Signals) -> None:
    nothing_lost(talk.during("kill -9: a gateway", killed(talk, kill, GATEWAY)))


@chaos
def test_a_killed_operator_is_not_noticed(talk: Rig, kill: Signals) -> None:
    row = talk.during("kill -9: the operator", killed(talk, kill, OPERATOR))
    nothing_lost(row)
    assert row.failed == 0, row.codes


@chaos
def test_sigterm_during_fifty_voice_turns_fails_none(talk: Rig) -> None:
    pod = talk.pods(GATEWAY)[0]["metadata"]["name"]

    def act() -> None:
        talk.namespace.kubectl("delete", "pod", pod, "--wait=false")

    row = talk.during("SIGTERM to a gateway during 50 voice turns", act, after=100, text=0, voice=50, pause=0.1)
    nothing_lost(row)
    assert row.failed == 0, row.codes


@chaos
def test_an_agent_that_hangs_is_restarted(talk: Rig, kill: Signals) -> None:
    pod = talk.pods(AGENTS)[0]
    name = pod["metadata"]["name"]
    before = talk.restarts(name)

    def act() -> None:
        kill.send(pod, signal.SIGSTOP)
        until("the agent that hangs is restarted", lambda: talk.restarts(name) > before or None, 150)

    row = talk.during("an agent stopped until its probe restarts it", act)
    # The gateway waits for a sign of life for longer than this load has patience.
    nothing_lost(row, slowest=Plan.attempt + 5)


# --- Redis ----------------------------------------------------------------------------------------------------------


@chaos
def test_a_pause_of_redis_loses_nothing(talk: Rig, kill: Signals) -> None:
    redis = talk.pods(REDIS)[0]

    def act() -> None:
        kill.send(redis, signal.SIGSTOP)
        wait(10)
        kill.send(redis, signal.SIGCONT)

    nothing_lost(talk.during("Redis paused for 10 s", act))


@chaos
def test_a_full_redis_refuses_and_recovers(talk: Rig) -> None:
    def act() -> None:
        talk.redis("CONFIG", "SET", "maxmemory", "1mb")
        wait(10)
        talk.redis("CONFIG", "SET", "maxmemory", "64mb")

    nothing_lost(talk.during("Redis at maxmemory for 10 s", act))


@chaos
def test_a_partition_from_redis_loses_nothing(talk: Rig) -> None:
    policy = ["patch", "networkpolicy", "talk-redis", "--type=json", "-p"]
    rules = talk.namespace.get("networkpolicy", "talk-redis")["spec"]["ingress"]

    def act() -> None:
        talk.namespace.kubectl(*policy, '[{"op": "replace", "path": "/spec/ingress", "value": []}]')
        # What is established outlives a policy; a real partition takes it too.
        talk.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        wait(10)
        restored = [{"op": "replace", "path": "/spec/ingress", "value": rules}]
        talk.namespace.kubectl(*policy, json.dumps(restored))

    nothing_lost(talk.during("agents cut off from Redis by a NetworkPolicy for 10 s", act))


# --- providers ------------------------------------------------------------------------------------------------------


def broken(talk: Rig, seconds: float, **wrong: str) -> Callable[[], None]:
    """The providers go wrong for so long."""

    def act() -> None:
        talk.break_providers(**wrong)
        wait(seconds)
        talk.break_providers()

    return act


def test_an_llm_that_is_down_takes_agents_out_of_service_and_restarts_none(talk: Rig) -> None:
    before = talk.restarts()

    def act() -> None:
        talk.break_providers(llm="error")
        until("no agent is ready", lambda: not talk.ready(AGENTS) or None, 15 + READY_PROBES)
        talk.break_providers()
        talk.fault_ends()
        until("agents are ready again", lambda: len(talk.ready(AGENTS)) == 2 or None, 15 + READY_PROBES)

    nothing_lost(talk.during("LLM answers 500 until agents are not ready", act))
    assert talk.restarts() == before


@chaos
@pytest.mark.parametrize(("fault", "seconds"), [("slow", 20), ("stall", 30), ("error", 60), ("reset", 20)])
def test_a_broken_llm_loses_nothing(talk: Rig, fault: str, seconds: int) -> None:
    before = talk.restarts()
    row = talk.during(f"LLM: {fault} for {seconds} s", broken(talk, seconds, llm=fault), patience=seconds + 60)
    nothing_lost(row)
    assert talk.restarts() == before
    if fault == "slow":
        assert row.failed == 0, row.codes


@chaos
@pytest.mark.parametrize("part", ["asr", "tts"])
def test_broken_speech_fails_voice_only(talk: Rig, part: str) -> None:
    nothing_lost(talk.during(f"{part.upper()} answers 500 for 20 s", broken(talk, 20, **{part: "error"})))


# --- last: it gives the release another Redis -----------------------------------------------------------------------


@chaos
def test_a_full_disk_refuses_and_recovers(talk: Rig) -> None:
    """Redis on a volume of 16 MiB, in memory, which something else fills."""
    small = values(talk.namespace.name)
    small["redis"] |= {"persistence": {"enabled": False}}
    volume = [{"name": "talk-internal-data", "emptyDir": {"medium": "Memory", "sizeLimit": "16Mi"}}]

    def on_redis(script: str) -> None:
        talk.namespace.kubectl("exec", "talk-redis-0", "-c", "redis", "--", "sh", "-c", script)

    def act() -> None:
        on_redis("dd if=/dev/zero of=/data/fill bs=64k 2>/dev/null; test -s /data/fill")
        wait(10)
        on_redis("rm /data/fill")

    # Which volumes a StatefulSet has cannot be changed, so it is another one.
    talk.namespace.kubectl("delete", "statefulset", "talk-redis")
    install(talk.namespace, small)
    patch = {"spec": {"template": {"spec": {"volumes": volume}}}}
    talk.namespace.kubectl("patch", "statefulset", "talk-redis", "-p", json.dumps(patch))
    talk.namespace.kubectl("rollout", "status", "statefulset/talk-redis", "--timeout=120s")
    talk.until_whole()
    nothing_lost(talk.during("Redis on a full disk for 10 s", act))
